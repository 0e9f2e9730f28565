# In a real systemd, on a throw-away layer over this machine's root (tests/support/booted.py). Where
# there can be none, they say why and are shown as skipped.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
foreach(name service instances package)
  add_test(NAME ${name}_test
    COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/e2e/${name}_test.py"
            "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name}_test PROPERTIES LABELS systemd TIMEOUT 600 SKIP_RETURN_CODE 77
    RESOURCE_LOCK installation)  # `cmake --install` writes into the build too
endforeach()

add_test(NAME install_test
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/e2e/install_test.py"
          "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
set_tests_properties(install_test PROPERTIES LABELS "e2e;release" TIMEOUT 300 RESOURCE_LOCK installation)

# The workers that docs/protocol.md shows, and what the documents tell people to type.
add_test(NAME protocol_workers_test
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/e2e/protocol_workers_test.py"
          "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}" python shell node)
add_test(NAME documents_test
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/e2e/documents_test.py"
          "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
set_tests_properties(protocol_workers_test documents_test PROPERTIES LABELS "e2e;release" TIMEOUT 300)

# Only script/test --long: all that is packaged compiled once more, without a cache; the README's first
# commands on a new machine; compilers of 700 MB.
add_test(NAME two_builds_test
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/e2e/two_builds_test.py"
          "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
add_test(NAME fresh_machine_test
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/e2e/fresh_machine_test.py"
          "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
set_tests_properties(two_builds_test fresh_machine_test PROPERTIES LABELS long TIMEOUT 14400
  RUN_SERIAL TRUE SKIP_RETURN_CODE 77)
add_test(NAME protocol_workers_long_test
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/e2e/protocol_workers_test.py"
          "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}" go rust)
set_tests_properties(protocol_workers_long_test PROPERTIES LABELS long TIMEOUT 300)
