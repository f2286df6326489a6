# cmake -DDIRECTORY=providers -DOUTPUT=x.cc -P embed.cmake: writes a source file that holds every *.toml of DIRECTORY. As characters one by
# one: a string literal may have no more than 65,536.
file(GLOB files ${DIRECTORY}/*.toml)
list(SORT files)
set(texts "")
set(rows "")
set(number 0)
foreach(path IN LISTS files)
  get_filename_component(name ${path} NAME)
  file(READ ${path} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," characters "${bytes}")
  string(APPEND texts "constexpr char text_${number}[] = {${characters}};\n")
  string(APPEND rows "    {\"providers/${name}\", {text_${number}, sizeof text_${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Generated from providers/*.toml by src/provider/embed.cmake.
#include \"provider/provider_file.h\"

namespace mailweir::provider {
namespace {
${texts}
constexpr ProviderFile files[] = {
${rows}};
}  // namespace

std::span<const ProviderFile> embedded_provider_files() { return files; }

}  // namespace mailweir::provider
")
