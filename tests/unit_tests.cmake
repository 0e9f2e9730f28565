# One test program per component: values in, values out, and real files where the kernel is the fact.
oneloop_test(unit/change_gate_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/policy_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/policy_delay_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/brain_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/inotify_decode_test.cpp LIBRARIES oneloop_supervisor_pure)
oneloop_test(unit/path_rules_test.cpp LIBRARIES oneloop_supervisor_pure)

oneloop_test(unit/duration_test.cpp LIBRARIES oneloop_common)
oneloop_test(unit/exit_status_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/lock_file_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/lock_record_test.cpp LIBRARIES oneloop_base)
oneloop_test(unit/flag_test.cpp LIBRARIES oneloop_base)

oneloop_test(unit/messages_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/supervisor_presets_test.cpp LIBRARIES oneloop_supervisor_shell)
oneloop_test(unit/sockets_test.cpp LIBRARIES oneloop_supervisor_shell)
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
