#include "intake/tls_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace mailweir::intake {
namespace {

using testing::HasSubstr;

class TlsIdentityTest : public testing::Test {
 protected:
  TlsIdentityTest() { std::filesystem::remove_all(directory); }
  static std::string text_of(const std::string& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  std::string directory =
      testing::TempDir() + "/tls-" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(TlsIdentityTest, MakesOneOnceAndKeepsIt) {
  const auto made = TlsIdentity::self_signed(directory, "mx.example.org");
  ASSERT_TRUE(made) << made.error().context;
  const auto certificate = text_of((*made)->files().certificate);
  const auto again = TlsIdentity::self_signed(directory, "other.example.org");
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(text_of((*again)->files().certificate), certificate);
}

TEST_F(TlsIdentityTest, TheKeyIsOursAlone) {
  const auto made = TlsIdentity::self_signed(directory, "mx.example.org");
  ASSERT_TRUE(made) << made.error().context;
  struct stat status{};
  ASSERT_EQ(::stat((*made)->files().key.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(TlsIdentityTest, NamesTheHost) {
  const std::string long_name = std::string(60, 'a') + ".mx.example.org";
  const auto made = TlsIdentity::self_signed(directory, long_name);
  ASSERT_TRUE(made) << made.error().context;
  const auto context = (*made)->context();
  X509* certificate = SSL_CTX_get0_certificate(context.get());
  EXPECT_EQ(X509_check_host(certificate, long_name.c_str(), 0, 0, nullptr), 1);
}

TEST_F(TlsIdentityTest, ErrorsNameTheFile) {
  const auto missing = TlsIdentity::load({directory + "/none.pem", directory + "/none.key"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::invalid_argument);
  EXPECT_THAT(missing.error().context, HasSubstr("none.pem"));
}

TEST_F(TlsIdentityTest, AKeyOfAnotherCertificateIsRefused) {
  const auto one = TlsIdentity::self_signed(directory + "/one", "one.example.org");
  const auto two = TlsIdentity::self_signed(directory + "/two", "two.example.org");
  ASSERT_TRUE(one && two);
  const auto mixed = TlsIdentity::load({(*one)->files().certificate, (*two)->files().key});
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().context, HasSubstr((*two)->files().key));
}

TEST_F(TlsIdentityTest, ReloadTakesTheNewFilesAndKeepsTheOldOnError) {
  const auto made = TlsIdentity::self_signed(directory, "mx.example.org");
  ASSERT_TRUE(made) << made.error().context;
  auto& identity = **made;
  const auto before = identity.context();
  ASSERT_TRUE(identity.reload());
  const auto after = identity.context();
  EXPECT_NE(before, after);
  std::ofstream(identity.files().certificate) << "no certificate\n";
  EXPECT_FALSE(identity.reload());
  EXPECT_EQ(identity.context(), after);
}

}  // namespace
}  // namespace mailweir::intake
