#include "worker/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "worker/text.h"

namespace oneloop::worker {
namespace {

using std::string;

struct Words {
    const char* matching;  // "{} of {} rows"
    const char* unchanged;
    const char* none;
    const char* no_dates;
    const char* next;
    const char* is_new;
    const char* again;
    const char* changed;
    const char* sold_out;
    const char* seats;
    const char* failed_in_a_row;
    const char* blocked;
    const char* shape;
    const char* down;
    const char* not_open;
    std::array<const char*, 7> days;  // from Sunday
    const char* shows;
};

constexpr Words korean = {
    "{}행 중 {}건", "변화 없음", "예매 전",      "남은 날짜 없음",
    "다음",         "NEW",       "재오픈",       "변경",
    "매진",         "좌석",      "연속 실패 {}", "차단",
    "형식 변경",    "연결 실패", "예매 전",      {"일", "월", "화", "수", "목", "금", "토"},
    "{}회차"};
constexpr Words english = {"{} rows, {} matching",
                           "no change",
                           "not open yet",
                           "no dates left",
                           "next",
                           "NEW",
                           "AGAIN",
                           "CHANGED",
                           "sold out",
                           "seats",
                           "{} failures in a row",
                           "blocked",
                           "changed shape",
                           "down",
                           "not open yet",
                           {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
                           "{} shows"};

const Words& words(Language language) {
    return language == Language::ko ? korean : english;
}

bool failed(Source source) {
    return source == Source::blocked || source == Source::shape || source == Source::down;
}

const char* word_for(Source source, const Words& say) {
    if (source == Source::blocked) return say.blocked;
    if (source == Source::shape) return say.shape;
    return say.down;
}

string day(Date date, const Words& say) {
    const std::chrono::weekday weekday{std::chrono::local_days{date}};
    return format_date(date, "%m/%d") + "(" + say.days[weekday.c_encoding()] + ")";
}

string number(std::optional<int> value) {
    return value ? std::to_string(*value) : "?";
}

string seats_of(const Item& item, const Words& say) {
    const string rest = sold_out(item) ? string(say.sold_out) : number(item.seats);
    return rest + "/" + number(item.seats_total);
}

// "12/03(수) 12/04(목) 차단: HTTP 403", dates with the same trouble together and without their
// names when it is all of them.
string failures_of(const TickReport& report, const Words& say) {
    std::vector<std::pair<string, string>> groups;  // trouble, dates
    for (const DateReport& date : report.dates) {
        if (!failed(date.source)) continue;
        const string trouble =
            string(word_for(date.source, say)) + ": " + one_line(date.reason, 120);
        const auto known = std::find_if(groups.begin(), groups.end(),
                                        [&](const auto& group) { return group.first == trouble; });
        if (known == groups.end()) {
            groups.emplace_back(trouble, day(date.date, say) + " ");
        } else {
            known->second += day(date.date, say) + " ";
        }
    }
    const bool all_the_same =
        groups.size() == 1 && std::all_of(report.dates.begin(), report.dates.end(),
                                          [](const DateReport& d) { return failed(d.source); });
    string text;
    for (const auto& [trouble, dates] : groups) {
        text += "  " + (all_the_same ? "" : dates) + trouble;
    }
    return text;
}

// What follows the rows: news, failures or the quiet word.
string summary(const TickReport& report, const Words& say) {
    if (report.dates.empty()) return say.no_dates;
    std::size_t matching = 0;
    for (const DateReport& date : report.dates)
        matching += date.matching.size();
    string failures = failures_of(report, say);
    string text;
    const Source source = overall(report.dates);
    if (report.rows > 0 || failures.empty()) {
        if (matching > 0 || report.rows > 0) {
            text = fmt::format(fmt::runtime(say.matching), report.rows, matching);
        } else if (source == Source::empty || source == Source::ok) {
            text = say.none;
        }
    }
    const auto news = std::count_if(report.events.begin(), report.events.end(), is_news);
    const auto sold = std::count_if(report.events.begin(), report.events.end(),
                                    [](const Event& e) { return e.kind == EventKind::sold_out; });
    if (news > 0) text += fmt::format("  {} {}", say.is_new, news);
    if (sold > 0) text += fmt::format("  {} {}", say.sold_out, sold);
    if (failures.empty() && report.events.empty() && matching > 0) {
        text += string("  ") + say.unchanged;
    }
    if (text.empty() && !failures.empty()) failures.erase(0, 2);
    text += failures;
    if (report.failures > 1) {
        text += "  (" + fmt::format(fmt::runtime(say.failed_in_a_row), report.failures) + ")";
    }
    return text;
}

string pretty_show(const Item& item, const char* mark, const Words& say) {
    string line =
        fmt::format("    {:<8} {}~{}  {}  {} {}", mark, item.start, one_line(item.end, 20),
                    one_line(item.screen, 60), say.seats, seats_of(item, say));
    if (!item.format.empty()) line += "  " + one_line(item.format, 40);
    if (!item.link.empty()) line += "\n             " + one_line(item.link, 300);
    return line + "\n";
}

const char* mark_of(const Item& item, const std::vector<Event>& events, const Words& say) {
    for (const Event& event : events) {
        if (event.item.id != item.id || !is_news(event)) continue;
        if (event.kind == EventKind::available) return say.again;
        return event.kind == EventKind::changed ? say.changed : say.is_new;
    }
    return "";
}

// Every date with news: its title and all its matching showtimes, the new ones marked.
string pretty_block(const TickReport& report, const Words& say) {
    string text;
    for (int i = 0; i < 60; ++i)
        text += "─";
    text += "\n  " + one_line(report.name.empty() ? report.watch : report.name) + "\n";
    for (const DateReport& date : report.dates) {
        const bool news = std::any_of(
            report.events.begin(), report.events.end(),
            [&](const Event& event) { return is_news(event) && event.item.date == date.date; });
        if (!news) continue;
        string title;
        for (const Item& item : date.matching) {
            if (item.title != title) {
                title = item.title;
                const auto count =
                    std::count_if(date.matching.begin(), date.matching.end(),
                                  [&](const Item& other) { return other.title == title; });
                text += fmt::format("  {}  {} · {}\n", day(date.date, say), one_line(title),
                                    fmt::format(fmt::runtime(say.shows), count));
            }
            text += pretty_show(item, mark_of(item, report.events, say), say);
        }
    }
    return text;
}

string pretty(const TickReport& report, const Style& style) {
    const Words& say = words(style.language);
    const bool block = std::any_of(report.events.begin(), report.events.end(), is_news);
    string text = fmt::format("[{}] #{} {}  {} {}ms  {}  {} {}\n", format_clock(report.time),
                              report.tick, report.watch, report.http, report.took.count(),
                              summary(report, say), say.next, format_clock(report.next));
    return block ? text + pretty_block(report, say) : text;
}

string logfmt(const TickReport& report, const Style& style) {
    std::size_t matching = 0;
    for (const DateReport& date : report.dates)
        matching += date.matching.size();
    string failures = failures_of(report, english);
    if (!failures.empty()) failures.erase(0, 2);
    const auto news = std::count_if(report.events.begin(), report.events.end(), is_news);
    string text = fmt::format(
        "ts={} lvl={} ev=tick.done job={} watch={} tick={} http={} ms={} rows={} match={} new={} "
        "source={} next={}",
        report.time_iso, failures.empty() ? "info" : "warn", logfmt_value(style.job),
        logfmt_value(report.watch), report.tick, report.http, report.took.count(), report.rows,
        matching, news, name_of(overall(report.dates)), report.next_iso);
    if (!failures.empty())
        text += " streak=" + std::to_string(report.failures) + " why=" + logfmt_value(failures);
    if (report.missed > 0) text += fmt::format(" missed={}", report.missed);
    text += '\n';
    for (const Event& event : report.events) {
        const Item& item = event.item;
        text += fmt::format(
            "ts={} lvl=info ev=event.{} watch={} item={} title={} date={} start={} end={} "
            "screen={} "
            "seats={} total={} link={} tick={}\n",
            report.time_iso, name_of(event.kind), logfmt_value(report.watch), logfmt_value(item.id),
            logfmt_value(item.title), format_date(item.date, "%Y-%m-%d"), logfmt_value(item.start),
            logfmt_value(item.end), logfmt_value(item.screen), number(item.seats),
            number(item.seats_total), logfmt_value(item.link), report.tick);
    }
    return text;
}

}  // namespace

std::string_view name_of(Source source) {
    switch (source) {
        case Source::starting:
            return "starting";
        case Source::ok:
            return "ok";
        case Source::empty:
            return "empty";
        case Source::blocked:
            return "blocked";
        case Source::shape:
            return "shape";
        case Source::down:
            return "down";
    }
    return "starting";
}

Source overall(const std::vector<DateReport>& dates) {
    if (dates.empty()) return Source::empty;
    Source worst = Source::starting;
    bool any_ok = false;
    for (const DateReport& date : dates) {
        any_ok = any_ok || date.source == Source::ok;
        if (failed(date.source)) worst = std::max(worst, date.source);
    }
    if (worst != Source::starting) return worst;
    return any_ok ? Source::ok : Source::empty;
}

bool is_news(const Event& event) {
    switch (event.kind) {
        case EventKind::available:
            return true;
        // Born sold out: nothing to run for. It is news when somebody can book it.
        case EventKind::opened:
        case EventKind::changed:
            return !sold_out(event.item);
        case EventKind::sold_out:
        case EventKind::gone:
            return false;
    }
    return false;
}

string format_tick(const TickReport& report, const Style& style) {
    return style.format == LogFormat::pretty ? pretty(report, style) : logfmt(report, style);
}

string logfmt_value(std::string_view text) {
    const string flat = one_line(text, 400);
    if (!flat.empty() && flat.find_first_of(" \"=\\") == string::npos) return flat;
    string quoted = "\"";
    for (const char c : flat) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace oneloop::worker
