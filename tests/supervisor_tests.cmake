# The supervisor's tests: pure ones by value, the others with real processes.
add_library(oneloop_lifecycle_model STATIC support/lifecycle_model.cpp)
target_link_libraries(oneloop_lifecycle_model PUBLIC oneloop_supervisor_pure fmt::fmt)

# Every reachable state, also under a sanitizer.
oneloop_test(unit/lifecycle_test.cpp LIBRARIES oneloop_lifecycle_model TIMEOUT 300)
oneloop_test(unit/lifecycle_failed_test.cpp LIBRARIES oneloop_supervisor_pure)

# Programs and helpers of the tests with real processes.
add_library(oneloop_test_support STATIC support/census.cpp support/control_client.cpp
  support/frozen_disk.cpp support/http_client.cpp
  support/kin.cpp support/process.cpp)
target_link_libraries(oneloop_test_support PUBLIC oneloop_base oneloop_interval_log Threads::Threads)
add_executable(probe_worker support/probe_worker.cpp support/probe_signs.cpp)
target_link_libraries(probe_worker PRIVATE oneloop_base oneloop_interval_log)
add_executable(naive_supervisor support/naive_supervisor.cpp)
target_link_libraries(naive_supervisor PRIVATE oneloop_base)
add_executable(with_errno support/with_errno.cpp)
target_link_libraries(with_errno PRIVATE oneloop_options)

add_library(oneloop_supervisor_fixture INTERFACE)
target_link_libraries(oneloop_supervisor_fixture INTERFACE oneloop_test_support)
target_compile_definitions(oneloop_supervisor_fixture INTERFACE
  ONELOOP_SUPERVISOR="$<TARGET_FILE:supervisor>"
  ONELOOP_PROBE_WORKER="$<TARGET_FILE:probe_worker>"
  ONELOOP_NAIVE_SUPERVISOR="$<TARGET_FILE:naive_supervisor>"
  ONELOOP_WITH_ERRNO="$<TARGET_FILE:with_errno>")
set(supervisor_programs supervisor warden probe_worker naive_supervisor with_errno)

oneloop_test(integration/exactly_one_test.cpp
  LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 180)
foreach(name build build_contained)
  oneloop_test(integration/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 240)
endforeach()
foreach(name announce completions config_file)
  oneloop_test(integration/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture util DEPENDS ${supervisor_programs} TIMEOUT 120)
endforeach()
oneloop_test(integration/on_crash_test.cpp
  LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs})
foreach(name readiness watchdog service)
  oneloop_test(integration/${name}_loop_test.cpp
    LIBRARIES oneloop_supervisor_fixture nlohmann_json::nlohmann_json
    DEPENDS ${supervisor_programs} TIMEOUT 240)
  target_compile_definitions(${name}_loop_test PRIVATE
    ONELOOP_NOTIFY_WORKER="${CMAKE_CURRENT_SOURCE_DIR}/support/notify_worker.py")
endforeach()
oneloop_test(integration/own_writes_loop_test.cpp
  LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 180)
oneloop_test(integration/takeover_test.cpp
  LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 120)
foreach(name down_mode handover handover_fault socket_path)
  oneloop_test(integration/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture oneloop_supervisor_pure DEPENDS ${supervisor_programs}
    TIMEOUT 240)
  target_compile_definitions(${name}_test PRIVATE
    ONELOOP_HTTP_WORKER="${CMAKE_CURRENT_SOURCE_DIR}/support/http_worker.py")
endforeach()
oneloop_test(chaos/kill_supervisor_test.cpp
  LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 300)
oneloop_test(e2e/flask_test.cpp
  LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 180)
target_compile_definitions(flask_test PRIVATE
  ONELOOP_FLASK_APP="${CMAKE_CURRENT_SOURCE_DIR}/e2e/flask/app.py")
foreach(name file_watcher linked_files watch_roots)
  oneloop_test(integration/${name}_test.cpp
    LIBRARIES oneloop_supervisor_shell oneloop_test_support Boost::headers)
endforeach()
foreach(name servers reload handed)
  oneloop_test(e2e/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture nlohmann_json::nlohmann_json
    DEPENDS ${supervisor_programs} TIMEOUT 600)
  target_compile_definitions(${name}_test PRIVATE
    ONELOOP_SERVERS="${CMAKE_CURRENT_SOURCE_DIR}/e2e/servers")
endforeach()
oneloop_test(integration/writer_witness_test.cpp
  LIBRARIES oneloop_supervisor_shell oneloop_test_support)
oneloop_test(integration/bad_input_test.cpp
  LIBRARIES oneloop_supervisor_fixture oneloop_supervisor_shell DEPENDS ${supervisor_programs})
oneloop_test(integration/terminal_test.cpp
  LIBRARIES oneloop_supervisor_fixture util DEPENDS ${supervisor_programs})
oneloop_test(integration/json_log_test.cpp
  LIBRARIES oneloop_supervisor_fixture nlohmann_json::nlohmann_json DEPENDS ${supervisor_programs}
  TIMEOUT 120)
oneloop_test(integration/job_control_test.cpp
  LIBRARIES oneloop_supervisor_fixture util DEPENDS ${supervisor_programs} TIMEOUT 120)
foreach(name doctor doctor_machine)
  oneloop_test(integration/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture nlohmann_json::nlohmann_json
    DEPENDS ${supervisor_programs} TIMEOUT 180)
  target_compile_definitions(${name}_test PRIVATE
    ONELOOP_WARDEN="$<TARGET_FILE:warden>"
    ONELOOP_FLASK_APP="${CMAKE_CURRENT_SOURCE_DIR}/e2e/flask/app.py")
endforeach()
oneloop_test(integration/control_test.cpp
  LIBRARIES oneloop_supervisor_fixture oneloop_supervisor_pure DEPENDS ${supervisor_programs} TIMEOUT 120)
oneloop_test(integration/remote_test.cpp
  LIBRARIES oneloop_supervisor_fixture nlohmann_json::nlohmann_json DEPENDS ${supervisor_programs}
  TIMEOUT 180)
oneloop_test(unit/interval_log_test.cpp LIBRARIES oneloop_interval_log)
oneloop_test(unit/selftest_schedule_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(integration/selftest_test.cpp
  LIBRARIES oneloop_supervisor_fixture nlohmann_json::nlohmann_json DEPENDS ${supervisor_programs}
  TIMEOUT 300)

# Watching
foreach(name saves watch_poll watch_silent watch_size watch_world)
  oneloop_test(integration/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 240)
endforeach()
oneloop_test(integration/watch_links_test.cpp
  LIBRARIES oneloop_supervisor_fixture oneloop_supervisor_shell DEPENDS ${supervisor_programs}
  TIMEOUT 240)
# For LD_PRELOAD, so without a sanitizer's runtime.
add_library(deaf_watches MODULE support/deaf_watches.cpp)
target_compile_features(deaf_watches PRIVATE cxx_std_20)
add_dependencies(watch_silent_test deaf_watches)
target_compile_definitions(watch_silent_test PRIVATE
  ONELOOP_DEAF_WATCHES="$<TARGET_FILE:deaf_watches>")

# Fault by fault: docs/guarantees.md.
foreach(name disk_fault exhaustion pid1 prepared scenario spawn_fault stopped)
  oneloop_test(integration/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 180)
endforeach()
oneloop_test(integration/cgroup_test.cpp
  LIBRARIES oneloop_supervisor_fixture oneloop_supervisor_shell DEPENDS ${supervisor_programs}
  TIMEOUT 120)
foreach(name stability stuck)
  oneloop_test(chaos/${name}_test.cpp
    LIBRARIES oneloop_supervisor_fixture DEPENDS ${supervisor_programs} TIMEOUT 300)
endforeach()

# The longest of its waits, with script/test --long only: the patience with each of the three ways to
# end what was left comes on top of the other.
set_tests_properties(stuck_test PROPERTIES
  ENVIRONMENT "GTEST_FILTER=-*TheNextSupervisorWaitsToo/cgroup")
add_test(NAME stuck_cgroup_test
  COMMAND stuck_test "--gtest_filter=*TheNextSupervisorWaitsToo/cgroup")
set_tests_properties(stuck_cgroup_test PROPERTIES LABELS long TIMEOUT 300)

# Once more as an ordinary user, whose promises rest on other mechanisms than root's: the test as a
# whole, or what FILTER chooses.
function(oneloop_as_user test)
  cmake_parse_arguments(arg "" "NAME;LABEL;FILTER" "" ${ARGN})
  set(name ${test})
  if(arg_NAME)
    set(name ${arg_NAME})
  endif()
  set(command $<TARGET_FILE:${test}_test>)
  if(ONELOOP_SANITIZE_ADDRESS OR ONELOOP_SANITIZE_THREAD)
    set(command setarch -R ${command})
  endif()
  if(arg_FILTER)
    list(APPEND command "--gtest_filter=${arg_FILTER}")
  endif()
  add_test(NAME ${name}_test_as_user
    COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/support/as_user" "${CMAKE_BINARY_DIR}" ${command})
  set_tests_properties(${name}_test_as_user PROPERTIES
    LABELS "user;${arg_LABEL}" TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()
foreach(name takeover kill_supervisor control terminal stopped service_loop)
  oneloop_as_user(${name})
endforeach()
# What an ordinary user may read of a worker that hangs, is stopped or debugged; the rest of it, and
# what takeover, stopped and kill_supervisor show of never two, with script/test --long.
oneloop_as_user(watchdog_loop NAME watchdog_holds
  FILTER "*OneThatHangsIsAborted*:*AStoppedOneIsLeftAlone*:*OneWithADebuggerIsLeftAlone*")
oneloop_as_user(watchdog_loop LABEL long)
oneloop_as_user(exactly_one LABEL long)
