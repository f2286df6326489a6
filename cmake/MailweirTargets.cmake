# One folder is one static library; its DEPS are the only folders it may include from.
#
#   weir_library(smtp DEPS mail base EXTERNAL OpenSSL::SSL [PCH file] SOURCES a.cc b.cc TESTS a_test.cc)
#
# TESTS become the program `smtp_test`, registered with CTest.

# Designated initializers name what differs from the defaults of a struct; naming the rest would hide it.
set(WEIR_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Wno-missing-designated-field-initializers)

add_library(weir_options INTERFACE)
target_compile_options(weir_options INTERFACE ${WEIR_WARNINGS})
target_include_directories(weir_options INTERFACE ${PROJECT_SOURCE_DIR}/src)

find_program(WEIR_LLD ld.lld-19)
if(WEIR_LLD)
  add_link_options(--ld-path=${WEIR_LLD})
endif()

# Without this the time stamp inside a precompiled header defeats ccache.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
endif()

function(weir_library name)
  cmake_parse_arguments(ARG "" "PCH" "SOURCES;TESTS;DEPS;EXTERNAL;TEST_DEPS" ${ARGN})
  list(TRANSFORM ARG_DEPS PREPEND "weir_")
  list(TRANSFORM ARG_TEST_DEPS PREPEND "weir_")
  if(ARG_SOURCES)
    add_library(weir_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(weir_${name} PUBLIC weir_options ${ARG_DEPS} ${ARG_EXTERNAL})
    if(ARG_PCH)
      weir_pch(weir_${name} ${ARG_PCH})
    endif()
  else()
    add_library(weir_${name} INTERFACE)
    target_link_libraries(weir_${name} INTERFACE weir_options ${ARG_DEPS} ${ARG_EXTERNAL})
  endif()
  if(ARG_TESTS)
    add_executable(${name}_test ${ARG_TESTS})
    target_link_libraries(${name}_test PRIVATE weir_${name} ${ARG_TEST_DEPS} GTest::gmock GTest::gtest_main)
    if(ARG_PCH)
      weir_pch(${name}_test ${ARG_PCH})
    endif()
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 120)
  endif()
endfunction()

# PCH asio: the coroutine side of Asio, several seconds a file without it.
function(weir_pch target kind)
  target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch_${kind}.h)
endfunction()
