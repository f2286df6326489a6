# cmake -DDIRECTORY=providers -DOUTPUT=x.cc -P embed.cmake: writes a source file that holds every *.toml of DIRECTORY as a literal.
file(GLOB files ${DIRECTORY}/*.toml)
list(SORT files)
set(rows "")
foreach(path IN LISTS files)
  get_filename_component(name ${path} NAME)
  file(READ ${path} text)
  string(APPEND rows "    {\"providers/${name}\", R\"weir(${text})weir\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from providers/*.toml by src/provider/embed.cmake.
#include \"provider/provider_file.h\"

namespace mailweir::provider {
namespace {
constexpr ProviderFile files[] = {
${rows}};
}  // namespace

std::span<const ProviderFile> embedded_provider_files() { return files; }

}  // namespace mailweir::provider
")
