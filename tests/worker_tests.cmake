# The worker's tests: pure ones by value, then those with a disk, a network or the real program.
foreach(test budget text item feed feed_source diff schedule console hash memo reading message mime outbox quiet verdict)
  oneloop_test(unit/${test}_test.cpp LIBRARIES oneloop_worker_pure)
endforeach()
foreach(test status routes api_values)
  oneloop_test(unit/${test}_test.cpp LIBRARIES oneloop_worker_pure nlohmann_json::nlohmann_json)
endforeach()
target_compile_definitions(routes_test PRIVATE
  ONELOOP_OPENAPI="${CMAKE_SOURCE_DIR}/worker/page/openapi.json")
oneloop_test(unit/gate_test.cpp LIBRARIES oneloop_worker_pure)
oneloop_test(unit/config_test.cpp LIBRARIES oneloop_worker_shell)
oneloop_test(unit/examples_test.cpp LIBRARIES oneloop_worker_shell)
foreach(test config examples)
  target_compile_definitions(${test}_test PRIVATE ONELOOP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endforeach()
foreach(test inquiry config_source config_pace recording)
  oneloop_test(unit/${test}_test.cpp LIBRARIES oneloop_worker_shell)
endforeach()
foreach(test standby store store_outbox store_journal token_file config_channel)
  oneloop_test(unit/${test}_test.cpp LIBRARIES oneloop_worker_shell oneloop_test_support)
endforeach()

# With a disk, a network, and the real program.
add_library(oneloop_simulator STATIC support/simulator.cpp)
target_link_libraries(oneloop_simulator PUBLIC oneloop_test_support)
target_compile_definitions(oneloop_simulator PUBLIC
  ONELOOP_SIMULATOR="${CMAKE_CURRENT_SOURCE_DIR}/support/megabox_simulator.py")

add_library(oneloop_receivers STATIC support/receivers.cpp)
target_link_libraries(oneloop_receivers PUBLIC oneloop_test_support)
target_compile_definitions(oneloop_receivers PRIVATE
  ONELOOP_SUPPORT="${CMAKE_CURRENT_SOURCE_DIR}/support")

foreach(test mailer channels deliverer delivery_crash verify)
  oneloop_test(integration/${test}_test.cpp LIBRARIES oneloop_worker_shell oneloop_receivers
    TIMEOUT 180)
endforeach()
foreach(test poller poller_alert poller_claim poller_full poller_news poller_pace poller_quiet)
  oneloop_test(integration/${test}_test.cpp LIBRARIES oneloop_worker_shell oneloop_test_support)
endforeach()
# Seeded schedules, in process: 100 here, 1,000 in script/test --long.
add_library(oneloop_alert_world STATIC support/alert_run.cpp support/alert_world.cpp
  support/alert_world_sides.cpp)
target_link_libraries(oneloop_alert_world
  PUBLIC oneloop_worker_shell oneloop_test_support PRIVATE SQLiteCpp)
oneloop_test(integration/alert_schedules_test.cpp LIBRARIES oneloop_alert_world TIMEOUT 180)
oneloop_test(integration/fetcher_test.cpp LIBRARIES oneloop_worker_shell oneloop_simulator
  oneloop_receivers)
oneloop_test(integration/defects_test.cpp LIBRARIES oneloop_worker_shell oneloop_receivers)
foreach(test http_server http_stream)
  oneloop_test(integration/${test}_test.cpp LIBRARIES oneloop_worker_shell oneloop_simulator)
endforeach()
foreach(test worker worker_life worker_notify worker_sources alerts clock_step commands proxy state_file)
  oneloop_test(integration/${test}_test.cpp LIBRARIES oneloop_simulator oneloop_receivers
    TIMEOUT 180 DEPENDS worker)
  target_compile_definitions(${test}_test PRIVATE ONELOOP_WORKER="$<TARGET_FILE:worker>")
endforeach()
# Where Debian has it; the test fails without it.
target_compile_definitions(clock_step_test PRIVATE
  ONELOOP_LIBFAKETIME="/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/faketime/libfaketimeMT.so.1")

# The worker's API from outside, with Debian's Python, jsonschema and promtool.
foreach(test api api_poll)
  add_test(NAME ${test}_test COMMAND /usr/bin/python3 -B
    "${CMAKE_CURRENT_SOURCE_DIR}/e2e/${test}_test.py"
    $<TARGET_FILE:worker> "${CMAKE_CURRENT_SOURCE_DIR}/support/megabox_simulator.py"
    "${CMAKE_SOURCE_DIR}/worker/page/openapi.json")
  set_tests_properties(${test}_test PROPERTIES LABELS e2e TIMEOUT 120
    ENVIRONMENT "PATH=${CMAKE_SOURCE_DIR}/build/tools:$ENV{PATH}")
endforeach()

# The worker's page in Debian's chromium; screenshots are left in the build directory.
add_test(NAME page_test COMMAND node --test --test-timeout=280000
  "${CMAKE_CURRENT_SOURCE_DIR}/e2e/page/page_test.mjs")
set(page_stage "SUPERVISOR=$<TARGET_FILE:supervisor>" "WORKER=$<TARGET_FILE:worker>"
  "SIMULATOR=${CMAKE_CURRENT_SOURCE_DIR}/support/megabox_simulator.py"
  "OUTPUT=${CMAKE_CURRENT_BINARY_DIR}/page")
set_tests_properties(page_test PROPERTIES LABELS e2e TIMEOUT 300 ENVIRONMENT "${page_stage}")
