#include "spool/mount_check.h"

#include <gmock/gmock.h>

namespace mailweir::spool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view mountinfo =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
    "36 27 98:1 /mail /var/spool rw,noatime shared:1 master:2 - ext4 /dev/sdb1 rw,nobarrier\n"
    "40 27 0:23 / /dev/shm rw - tmpfs tmpfs rw,size=24684100k\n";

TEST(MountCheck, FindsTheMountOfADevice) {
  const auto mount = find_mount(mountinfo, 254, 0);
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->type, "ext4");
  EXPECT_EQ(mount->options, "rw,relatime,rw,discard");
  EXPECT_FALSE(find_mount(mountinfo, 254, 1));
}

TEST(MountCheck, TakesNothingFromTornLines) {
  EXPECT_FALSE(find_mount("36 27 98:1 /mail /var/spool", 98, 1));
  EXPECT_FALSE(find_mount("36 27 98:1 /mail /var/spool rw - ext4", 98, 1));
  EXPECT_FALSE(find_mount("", 98, 1));
}

TEST(MountCheck, SoundMountsPass) {
  const MountVerdict verdict = judge_mount(*find_mount(mountinfo, 254, 0));
  EXPECT_FALSE(verdict.refusal);
  EXPECT_THAT(verdict.warnings, IsEmpty());
}

TEST(MountCheck, MountsWithoutBarriersAreRefused) {
  const MountVerdict verdict = judge_mount(*find_mount(mountinfo, 98, 1));
  ASSERT_TRUE(verdict.refusal);
  EXPECT_THAT(*verdict.refusal, HasSubstr("nobarrier"));
  EXPECT_TRUE(judge_mount({"ext3", "rw,barrier=0"}).refusal);
  EXPECT_FALSE(judge_mount({"ext4", "rw,barrier=1"}).refusal);
}

TEST(MountCheck, WarnsWhereSyncedDataMayNotSurvive) {
  EXPECT_THAT(judge_mount(*find_mount(mountinfo, 0, 23)).warnings, ElementsAre(HasSubstr("tmpfs")));
  EXPECT_THAT(judge_mount({"nfs4", "rw"}).warnings, ElementsAre(HasSubstr("nfs4")));
  EXPECT_THAT(judge_mount({"overlay", "rw"}).warnings, ElementsAre(HasSubstr("overlay")));
}

}  // namespace
}  // namespace mailweir::spool
