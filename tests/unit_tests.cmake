# One test program per component: values in, values out, and real files where the kernel is the fact.
oneloop_test(unit/change_gate_test.cpp LIBRARIES oneloop_supervisor_pure)
foreach(name build_gate build_writes brain_build)
  oneloop_test(unit/${name}_test.cpp LIBRARIES oneloop_supervisor_pure)
endforeach()
oneloop_test(unit/policy_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/lifecycle_document_test.cpp LIBRARIES oneloop_supervisor_pure)
target_compile_definitions(lifecycle_document_test PRIVATE ONELOOP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
oneloop_test(unit/policy_delay_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/policy_on_crash_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/down_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/brain_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/own_writes_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/brain_own_writes_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/inotify_decode_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/path_rules_test.cpp LIBRARIES oneloop_supervisor_pure)

# Watching
foreach(name content_rule doubts brain_doubts link_rule poll_rule)
  oneloop_test(unit/${name}_test.cpp LIBRARIES oneloop_supervisor_pure)
endforeach()

oneloop_test(unit/duration_test.cpp LIBRARIES oneloop_common)
oneloop_test(unit/exit_status_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/read_text_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/lock_file_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/lock_record_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/flag_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/notify_test.cpp LIBRARIES oneloop_notify)
oneloop_test(unit/journal_test.cpp LIBRARIES oneloop_common)
target_compile_definitions(journal_test PRIVATE ONELOOP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
oneloop_test(unit/listening_test.cpp LIBRARIES oneloop_supervisor_shell)

oneloop_test(unit/messages_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/log_events_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/keys_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/supervisor_presets_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/recognition_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/sockets_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/unix_socket_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/instance_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/options_test.cpp LIBRARIES oneloop_supervisor_shell)
# It looks for its helpers beside itself, so it gets a directory where the test can put some.
set_target_properties(options_test PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/options_home/supervisor")

# supervisor doctor
oneloop_test(unit/leftovers_test.cpp LIBRARIES oneloop_supervisor_pure)
foreach(name end_processes process_table machine)
  oneloop_test(unit/${name}_test.cpp LIBRARIES oneloop_supervisor_shell)
endforeach()

# What is asked and told through the control socket, and what is printed of it.
oneloop_test(unit/brain_pause_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/chronicle_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/control_protocol_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/remote_text_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/send_sockets_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/cleaner_test.cpp LIBRARIES oneloop_supervisor_shell)
# What the fuzzer has found, with every compiler; with clang the fuzzer itself.
oneloop_test(unit/control_corpus_test.cpp LIBRARIES oneloop_supervisor_pure)
target_sources(control_corpus_test PRIVATE fuzz/control_fuzz.cpp)
target_compile_definitions(control_corpus_test PRIVATE
  ONELOOP_CONTROL_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/control")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # The code under test is compiled into it, so that its branches guide the fuzzer.
  add_executable(control_fuzz fuzz/control_fuzz.cpp
    "${CMAKE_SOURCE_DIR}/supervisor/control_protocol.cpp")
  target_link_libraries(control_fuzz PRIVATE oneloop_options tl::expected nlohmann_json::nlohmann_json)
  target_compile_options(control_fuzz PRIVATE -fsanitize=fuzzer,address,undefined -g1)
  target_link_options(control_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
endif()

# Readiness and watchdog
foreach(name notify_message readiness watchdog)
  oneloop_test(unit/${name}_test.cpp LIBRARIES oneloop_supervisor_pure)
endforeach()
oneloop_test(unit/worker_state_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/cgroups_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/autokill_test.cpp LIBRARIES oneloop_supervisor_shell)
foreach(name notify_socket readiness_probe)
  oneloop_test(unit/${name}_test.cpp LIBRARIES oneloop_supervisor_shell Boost::headers)
endforeach()
