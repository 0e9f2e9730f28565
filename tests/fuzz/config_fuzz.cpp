// Whatever stands in a configuration: no crash, every mistake has its place and its words, and what
// is accepted can be asked with. Nothing is fetched; a secret from a file is looked for.
// With clang a libFuzzer program (script/fuzz); elsewhere config_corpus_test feeds it the corpus.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/check.h"
#include "worker/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace oneloop::worker;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const ConfigReading reading = parse_config(text, "fuzz.toml");
    const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
    for (const Problem& problem : reading.problems) {
        ONELOOP_CHECK(!problem.message.empty(), "a mistake is named");
        ONELOOP_CHECK(problem.line >= 0 && problem.line <= lines, "and lies in the file");
        ONELOOP_CHECK(problem.line == 0 || problem.column >= 1, "at some column");
        (void)format_problem("fuzz.toml", problem);
    }
    if (!reading.problems.empty()) return 0;
    ONELOOP_CHECK(!reading.config.watches.empty(), "a configuration watches something");
    const Date date{std::chrono::year{2025} / std::chrono::December / 3};
    for (const Watch& watch : reading.config.watches) {
        ONELOOP_CHECK(!watch.id.empty() && !watch.sources.empty(), "a watch asks somebody");
        ONELOOP_CHECK(watch.pace.every >= watch.pace.floor, "and not too often");
        for (const SourceSpec& source : watch.sources) {
            const HttpRequest request = make_request(source, date, date);
            ONELOOP_CHECK(host_and_port(request.url) == watch.host.name, "its own host");
        }
        ONELOOP_CHECK(!subject_of(watch.sources, watch.where, watch.dates).empty(),
                      "about something");
        (void)dates_to_poll(watch.dates, at(date, std::chrono::minutes{0}));
    }
    return 0;
}
