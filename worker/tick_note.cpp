#include "worker/tick_note.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace oneloop::worker {

std::string tick_note(const TickReport& report, WallTime now, SourceSince& before) {
    const Source source = overall(report.dates);
    if (before.source != source) before = {source, now};
    std::size_t matching = 0;
    std::size_t bookable = 0;
    std::int64_t seats = 0;
    std::string reason;
    for (const DateReport& date : report.dates) {
        if (!date.reason.empty()) reason = date.reason;
        matching += date.matching.size();
        bookable += date.bookable;
        seats += date.seats;
    }
    const auto fresh = std::count_if(report.events.begin(), report.events.end(), is_news);
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(before.since.time_since_epoch());
    const nlohmann::ordered_json note = {{"seq", report.tick},
                                         {"ms", report.took.count()},
                                         {"http", report.http},
                                         {"rows", report.rows},
                                         {"matching", matching},
                                         {"bookable", bookable},
                                         {"seats", seats},
                                         {"new", fresh},
                                         {"outcome", std::string(name_of(source))},
                                         {"since", since.count()},
                                         {"reason", reason}};
    using Handler = nlohmann::ordered_json::error_handler_t;
    return note.dump(-1, ' ', false, Handler::replace);
}

SourceSince since_of(const std::string& note) {
    const auto data = nlohmann::json::parse(note, nullptr, false);
    SourceSince found;
    if (!data.is_object() || !data.contains("since") || !data["since"].is_number_integer())
        return found;
    const std::string outcome = data.value("outcome", "");
    for (const Source source :
         {Source::ok, Source::empty, Source::blocked, Source::shape, Source::down}) {
        if (name_of(source) == outcome) found.source = source;
    }
    found.since = WallTime(std::chrono::milliseconds(data["since"].get<std::int64_t>()));
    return found;
}

}  // namespace oneloop::worker
