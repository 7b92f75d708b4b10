# Programs that are built beside the library: one per C file, so that adding a test, a benchmark or
# an example is adding a file.

find_package(PkgConfig REQUIRED)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

# interrex_program(NAME SOURCE DIRECTORY): a program that may see the library's inner headers too.
function(interrex_program name source directory)
  add_executable(${name} ${source})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           "${PROJECT_BINARY_DIR}/${directory}" C_EXTENSIONS OFF)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/core"
                                             "${PROJECT_SOURCE_DIR}/tests"
                                             "${PROJECT_SOURCE_DIR}/tests/support"
                                             "${PROJECT_BINARY_DIR}/generated")
  target_include_directories(${name} SYSTEM PRIVATE "${PROJECT_SOURCE_DIR}/third_party"
                                                    "${PROJECT_SOURCE_DIR}/third_party/libev")
  target_compile_definitions(
    ${name} PRIVATE $<TARGET_PROPERTY:interrex_third_party,INTERFACE_COMPILE_DEFINITIONS>
                    INTERREX_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_dependencies(${name} interrex_core)
  target_link_libraries(${name} PRIVATE ${ARGN} interrex_inner interrex_flags)
endfunction()

# ---- tests: tests/<area>/test_<topic>.c is the CTest test <area>/<topic> --------------------------

set(test_support)
file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.c)
list(FILTER support_sources EXCLUDE REGEX "/test_[^/]*$")
if(support_sources)
  set(test_support interrex_test_support)
  add_library(${test_support} STATIC ${support_sources})
  set_target_properties(${test_support} PROPERTIES C_EXTENSIONS OFF)
  target_include_directories(${test_support} PUBLIC core tests tests/support
                                                    "${PROJECT_BINARY_DIR}/generated")
  target_include_directories(${test_support} SYSTEM PRIVATE third_party third_party/libev)
  target_compile_definitions(
    ${test_support}
    PRIVATE $<TARGET_PROPERTY:interrex_third_party,INTERFACE_COMPILE_DEFINITIONS>
            INTERREX_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_dependencies(${test_support} interrex_core)
  target_link_libraries(${test_support} PUBLIC interrex_inner interrex_flags PkgConfig::cmocka)
endif()

# The simulator: a library for its tests, and the command interrex-sim.
set(simulator)
file(GLOB sim_sources CONFIGURE_DEPENDS tests/sim/*.c)
list(FILTER sim_sources EXCLUDE REGEX "/(test_[^/]*|main)\\.c$")
if(sim_sources)
  set(simulator interrex_simulator)
  add_library(${simulator} STATIC ${sim_sources})
  set_target_properties(${simulator} PROPERTIES C_EXTENSIONS OFF)
  target_include_directories(${simulator} PUBLIC core tests/sim)
  add_dependencies(${simulator} interrex_core)
  target_link_libraries(${simulator} PUBLIC interrex_inner interrex_flags)
  interrex_program(interrex-sim tests/sim/main.c tests ${simulator})
endif()

# Those that wait longest: each part is a test of its own, <area>/<topic>_<part>, so that they run side
# by side. The program gets the part as its argument.
set(parts_of_chaos_agreement lease quorum)
set(parts_of_chaos_postgres servers sessions)

file(GLOB test_sources CONFIGURE_DEPENDS tests/engine/test_*.c tests/runtime/test_*.c
     tests/medium/test_*.c tests/chaos/test_*.c tests/sim/test_*.c)
add_custom_target(engine_tests) # what scripts/mutants.sh builds
foreach(source IN LISTS test_sources)
  cmake_path(GET source STEM topic)
  cmake_path(GET source PARENT_PATH area)
  cmake_path(GET area FILENAME area)
  string(REGEX REPLACE "^test_" "" topic "${topic}")
  set(target "test_${area}_${topic}")
  interrex_program(${target} "${source}" tests ${test_support} PkgConfig::cmocka)
  if(area STREQUAL "sim" OR area STREQUAL "chaos") # which compares itself with the simulator
    target_link_libraries(${target} PRIVATE ${simulator})
  endif()
  # A test of many topics has its parts beside it: test_contract.c and contract_*.c.
  file(GLOB parts CONFIGURE_DEPENDS "tests/${area}/${topic}_*.c")
  target_sources(${target} PRIVATE ${parts})
  if(area STREQUAL "engine")
    add_dependencies(engine_tests ${target})
  endif()
  if(NOT parts_of_${area}_${topic})
    add_test(NAME "${area}/${topic}" COMMAND ${target} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties("${area}/${topic}" PROPERTIES TIMEOUT 300)
  endif()
  foreach(part IN LISTS parts_of_${area}_${topic})
    add_test(NAME "${area}/${topic}_${part}" COMMAND ${target} ${part}
             WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties("${area}/${topic}_${part}" PROPERTIES TIMEOUT 300)
  endforeach()
endforeach()

# The longest ones begin first, so that the others run beside them.
foreach(longest IN ITEMS "chaos/agreement_lease" "chaos/agreement_quorum" "chaos/postgres_servers"
                         "chaos/redis" "sim/seeds")
  set_tests_properties("${longest}" PROPERTIES COST 100)
endforeach()

# ---- fuzz targets: tests/fuzz/fuzz_<topic>.c, replayed as the CTest test fuzz/<topic> -------------

file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
add_custom_target(fuzzers) # what scripts/fuzz.sh builds
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "^fuzz_" "" topic "${name}")
  if(INTERREX_FUZZ)
    interrex_program(${name} "${source}" fuzz)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  else()
    interrex_program(test_${name} "${source}" tests ${test_support} PkgConfig::cmocka)
    target_sources(test_${name} PRIVATE tests/fuzz/replay.c)
    target_compile_definitions(
      test_${name} PRIVATE INTERREX_CORPUS="${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${topic}")
    add_test(NAME "fuzz/${topic}" COMMAND test_${name})
    set_tests_properties("fuzz/${topic}" PROPERTIES TIMEOUT 120)
  endif()
endforeach()

# ---- benchmarks: run by hand or by `make bench`, never timed in tests ----------------------------

file(GLOB bench_sources CONFIGURE_DEPENDS bench/*.c)
foreach(source IN LISTS bench_sources)
  cmake_path(GET source STEM name)
  interrex_program(bench_${name} "${source}" bench)
  set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name})
endforeach()

# ---- examples: they see the public headers only, as a user's program does -----------------------

file(GLOB example_sources CONFIGURE_DEPENDS examples/c/*.c)
foreach(source IN LISTS example_sources)
  cmake_path(GET source STEM name)
  add_executable(example_${name} "${source}")
  set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
                                                   "${PROJECT_BINARY_DIR}/examples")
  target_link_libraries(example_${name} PRIVATE interrex::interrex interrex_flags)
  add_test(NAME "example/${name}" COMMAND example_${name})
  # Without a URL of its own an example must not meet an election of the machine it is built on.
  set_tests_properties(
    "example/${name}" PROPERTIES TIMEOUT 60 ENVIRONMENT
                                 "INTERREX_DIR=${PROJECT_BINARY_DIR}/examples/local;INTERREX_URL=local:")
endforeach()
