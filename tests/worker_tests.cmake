# The worker's tests: pure ones by value, then those with a disk, a network or the real program.
foreach(test budget text item feed feed_source diff schedule console hash memo message mime outbox verdict)
  oneloop_test(unit/${test}_test.cpp LIBRARIES oneloop_worker_pure)
endforeach()
oneloop_test(unit/status_test.cpp LIBRARIES oneloop_worker_pure nlohmann_json::nlohmann_json)
oneloop_test(unit/config_test.cpp LIBRARIES oneloop_worker_shell)
oneloop_test(unit/examples_test.cpp LIBRARIES oneloop_worker_shell)
foreach(test config examples)
  target_compile_definitions(${test}_test PRIVATE ONELOOP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endforeach()
foreach(test inquiry config_source)
  oneloop_test(unit/${test}_test.cpp LIBRARIES oneloop_worker_shell)
endforeach()
foreach(test store store_outbox config_channel)
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

foreach(test mailer channels deliverer delivery_crash)
  oneloop_test(integration/${test}_test.cpp LIBRARIES oneloop_worker_shell oneloop_receivers
    TIMEOUT 180)
endforeach()
foreach(test poller poller_alert poller_claim)
  oneloop_test(integration/${test}_test.cpp LIBRARIES oneloop_worker_shell oneloop_test_support)
endforeach()
oneloop_test(integration/fetcher_test.cpp LIBRARIES oneloop_worker_shell oneloop_simulator
  oneloop_receivers)
oneloop_test(integration/defects_test.cpp LIBRARIES oneloop_worker_shell oneloop_receivers)
oneloop_test(integration/http_server_test.cpp LIBRARIES oneloop_worker_shell oneloop_simulator)
foreach(test worker worker_life worker_notify worker_sources alerts)
  oneloop_test(integration/${test}_test.cpp LIBRARIES oneloop_simulator oneloop_receivers
    TIMEOUT 180 DEPENDS worker)
  target_compile_definitions(${test}_test PRIVATE ONELOOP_WORKER="$<TARGET_FILE:worker>")
endforeach()
