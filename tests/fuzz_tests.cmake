# Each target of tests/fuzz twice: its corpus replayed and mutated with every compiler, as a test; and
# with clang the fuzzer itself (script/fuzz). The code under test is compiled into the fuzzer, so that
# its branches guide it.
add_custom_target(fuzzers)
function(oneloop_fuzz name test)
  cmake_parse_arguments(arg "" "" "LIBRARIES;SOURCES;LINK" ${ARGN})
  oneloop_test(${test} LIBRARIES ${arg_LIBRARIES} TIMEOUT 120)
  target_sources(${name}_corpus_test PRIVATE fuzz/${name}_fuzz.cpp)
  target_compile_definitions(${name}_corpus_test PRIVATE
    ONELOOP_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/")
    add_executable(${name}_fuzz EXCLUDE_FROM_ALL fuzz/${name}_fuzz.cpp ${arg_SOURCES})
    target_link_libraries(${name}_fuzz PRIVATE oneloop_options ${arg_LINK})
    target_compile_options(${name}_fuzz PRIVATE -fsanitize=fuzzer,address,undefined
      -fno-sanitize-recover=all -g1)  # what is undefined ends the run, as a crash does
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
    add_dependencies(fuzzers ${name}_fuzz)
  endif()
endfunction()

oneloop_fuzz(control unit/control_corpus_test.cpp LIBRARIES oneloop_supervisor_pure
  SOURCES supervisor/control_protocol.cpp supervisor/status_json.cpp
  LINK tl::expected nlohmann_json::nlohmann_json)
oneloop_fuzz(reply unit/reply_corpus_test.cpp LIBRARIES oneloop_worker_pure
  SOURCES worker/calendar.cpp worker/feed.cpp worker/item.cpp worker/presets.cpp worker/text.cpp
  LINK oneloop_common nlohmann_json::nlohmann_json)
oneloop_fuzz(message unit/message_corpus_test.cpp LIBRARIES oneloop_worker_pure
  SOURCES worker/calendar.cpp worker/channel.cpp worker/hash.cpp worker/item.cpp worker/message.cpp
    worker/mime.cpp worker/template.cpp worker/text.cpp worker/diff.cpp
  LINK oneloop_common nlohmann_json::nlohmann_json)
oneloop_fuzz(config unit/config_corpus_test.cpp LIBRARIES oneloop_worker_shell
  SOURCES worker/config.cpp worker/config_channel.cpp worker/config_delivery.cpp
    worker/config_host.cpp worker/config_limits.cpp worker/config_reader.cpp
    worker/config_secret.cpp worker/config_source.cpp worker/config_watch.cpp worker/zone.cpp
  LINK oneloop_worker_pure date::date-tz tomlplusplus::tomlplusplus)
oneloop_fuzz(request unit/request_corpus_test.cpp LIBRARIES oneloop_worker_pure nlohmann_json::nlohmann_json
  SOURCES worker/api_body.cpp worker/api_json.cpp worker/calendar.cpp worker/diff.cpp worker/gate.cpp
    worker/http_answer.cpp worker/item.cpp worker/match.cpp worker/outbox.cpp worker/routes.cpp
    worker/text.cpp
  LINK oneloop_common fmt::fmt nlohmann_json::nlohmann_json)
