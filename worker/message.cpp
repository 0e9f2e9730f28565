#include "worker/message.h"

#include <algorithm>
#include <array>
#include <optional>

#include "worker/hash.h"
#include "worker/template.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

using std::string;
using std::string_view;

constexpr std::size_t most_items = 200;  // in one message; the rest is counted

string words(Language language, const char* ko, const char* en) {
    return language == Language::ko ? ko : en;
}

// strftime's %Y %m %d %H %M %S %F %T %a, the weekday in the language of the message.
string format_time(LocalTime time, string_view pattern, Language language) {
    constexpr std::array<const char*, 7> ko = {"일", "월", "화", "수", "목", "금", "토"};
    constexpr std::array<const char*, 7> en = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const Date date = date_of(time);
    const string clock = format_clock(time);
    string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || i + 1 == pattern.size()) {
            out += pattern[i];
            continue;
        }
        switch (const char what = pattern[++i]) {
            case 'F':
                out += format_date(date, "%Y-%m-%d");
                break;
            case 'T':
                out += clock;
                break;
            case 'H':
                out += clock.substr(0, 2);
                break;
            case 'M':
                out += clock.substr(3, 2);
                break;
            case 'S':
                out += clock.substr(6, 2);
                break;
            case 'a': {
                const auto day = std::chrono::weekday{std::chrono::local_days{date}}.c_encoding();
                out += language == Language::ko ? ko[day] : en[day];
                break;
            }
            default:
                out += format_date(date, string{'%', what});
        }
    }
    return out;
}

string seats_of(const Item& item, Language language) {
    if (sold_out(item)) return words(language, "매진", "sold out");
    return item.seats ? std::to_string(*item.seats) : "?";
}

string kind_of(const Event& event, Language language) {
    switch (event.kind) {
        case EventKind::opened:
            return words(language, "새 회차", "new");
        case EventKind::available:
            return words(language, "다시 예매 가능", "available again");
        case EventKind::sold_out:
            return words(language, "매진", "sold out");
        case EventKind::changed:
            return words(language, "변경", "changed");
        case EventKind::gone:
            return words(language, "사라짐", "gone");
    }
    return {};
}

// Only what a browser may safely open; a cinema's reply is no reason to trust it.
bool safe_link(const string& link) {
    return link.starts_with("https://") || link.starts_with("http://");
}

ValueOf values_of(const Event& event, Language language) {
    return [&event, language](string_view name, string_view format) -> std::optional<string> {
        const Item& item = event.item;
        const auto text = [](const string& value) { return one_line(value, 300); };
        if (name == "title") return text(item.title);
        if (name == "date") {
            return format_time(at(item.date, std::chrono::minutes{0}),
                               format.empty() ? "%F" : format, language);
        }
        if (name == "start") return text(item.start);
        if (name == "end") return text(item.end);
        if (name == "screen") return text(item.screen);
        if (name == "hall_kind") return text(item.hall_kind);
        if (name == "format") return text(item.format);
        if (name == "seats") return seats_of(item, language);
        if (name == "seats_total")
            return item.seats_total ? std::to_string(*item.seats_total) : string("?");
        if (name == "branch") return text(item.branch);
        if (name == "link") return text(item.link);
        if (name == "id") return text(item.id);
        if (name == "kind") return kind_of(event, language);
        return std::nullopt;
    };
}

string more(const Telling& telling) {
    if (telling.events.size() <= most_items) return {};
    return words(telling.language, "… 외 ", "… and ") +
           std::to_string(telling.events.size() - most_items) +
           words(telling.language, "개", " more");
}

// Is this the first event of another watch than the one before?
bool begins_part(const Telling& telling, std::size_t i) {
    return !telling.of.empty() && (i == 0 || telling.of[i] != telling.of[i - 1]);
}

string items_of(const Telling& telling, const Wording& wording) {
    string out;
    for (const string& note : telling.notes)
        out += one_line(note, 500) + "\n";
    for (std::size_t i = 0; i < std::min(telling.events.size(), most_items); ++i) {
        if (begins_part(telling, i)) out += "— " + one_line(telling.of[i], 100) + " —\n";
        out += fill_words(wording.item, values_of(telling.events[i], telling.language)) + "\n";
    }
    if (const string rest = more(telling); !rest.empty()) out += rest + "\n";
    const bool fails =
        telling.about == Telling::About::down || telling.about == Telling::About::still_down;
    if (fails) out += one_line(telling.reason, 300) + "\n";
    if (telling.about == Telling::About::overflow) {
        out +=
            words(telling.language, "대기열이 가득 차서 만들지 못했습니다. GET /status를 보세요.\n",
                  "The queue of this channel was full. See GET /status.\n");
    }
    return out;
}

string html_of(const Telling& telling, const string& news) {
    string rows;
    for (std::size_t i = 0; i < std::min(telling.events.size(), most_items); ++i) {
        const Event& event = telling.events[i];
        const auto value = values_of(event, telling.language);
        const auto cell = [&](const string& text) { return "<td>" + escape_html(text) + "</td>"; };
        string title = escape_html(*value("title", ""));
        if (safe_link(event.item.link))
            title = "<a href=\"" + escape_html(event.item.link) + "\">" + title + "</a>";
        if (begins_part(telling, i))
            rows += "<tr><td colspan=\"6\"><b>" + escape_html(telling.of[i]) + "</b></td></tr>\n";
        rows += "<tr>" + cell(*value("kind", "")) + cell(*value("date", "%m/%d(%a)")) +
                cell(event.item.start + "~" + event.item.end) + cell(*value("screen", "")) +
                cell(*value("seats", "") + "/" + *value("seats_total", "")) + "<td>" + title +
                "</td></tr>\n";
    }
    string notes;
    for (const string& note : telling.notes)
        notes += "<p>" + escape_html(note) + "</p>\n";
    return "<!doctype html>\n<html><body>\n<p><b>" + escape_html(telling.name) +
           "</b>: " + escape_html(news) + "</p>\n" + notes + "<table cellpadding=\"4\">\n" + rows +
           "</table>\n<p>" + escape_html(more(telling)) + "</p>\n<p>" +
           format_time(telling.local, "%F %T", telling.language) + "</p>\n</body></html>\n";
}

}  // namespace

string headline(const Telling& telling) {
    const string count = std::to_string(telling.events.size());
    switch (telling.about) {
        case Telling::About::digest:
            return words(telling.language, "현재 회차 ", "showtimes so far: ") + count +
                   words(telling.language, "개", "");
        case Telling::About::overflow:
            return words(telling.language, "보내지 못한 알림 ", "alerts that were not sent: ") +
                   std::to_string(telling.lost) + words(telling.language, "건", "");
        case Telling::About::test:
            return words(telling.language, "시험 메시지", "a test message");
        case Telling::About::down:
            return words(telling.language, "조회 연속 실패 ", "polls that failed in a row: ") +
                   std::to_string(telling.failures) + words(telling.language, "회", "");
        case Telling::About::up:
            return words(telling.language, "다시 조회됩니다", "polls work again");
        case Telling::About::still_down:
            return words(telling.language, "아직 조회되지 않습니다, 연속 실패 ",
                         "polls still fail, in a row: ") +
                   std::to_string(telling.failures) + words(telling.language, "회", "");
        case Telling::About::held:
            return words(telling.language, "조용한 시간의 소식 ", "news of the quiet hours: ") +
                   std::to_string(telling.events.size() + telling.notes.size()) +
                   words(telling.language, "건", "");
        case Telling::About::news:
            break;
    }
    const bool alike =
        std::all_of(telling.events.begin(), telling.events.end(),
                    [&](const Event& e) { return e.kind == telling.events.front().kind; });
    if (alike && !telling.events.empty())
        return kind_of(telling.events.front(), telling.language) + " " + count +
               words(telling.language, "개", "");
    return words(telling.language, "소식 ", "news: ") + count + words(telling.language, "건", "");
}

string event_id(const string& job, const string& watch, const Event& event) {
    return name_for({"event", job, watch, string(name_of(event.kind)), event.item.id,
                     std::to_string(event.transition)});
}

std::vector<NewMessage> compose(const Telling& telling, const Channel& channel) {
    const string news = headline(telling);
    string ids;
    for (const string& id : telling.ids)
        ids += (ids.empty() ? "" : " ") + id;
    string items;
    string text;
    const ValueOf value_of = [&](string_view name, string_view format) -> std::optional<string> {
        if (name == "watch") return one_line(telling.name, 100);
        if (name == "watch_id") return one_line(telling.watch, 100);
        if (name == "news") return news;
        if (name == "count") return std::to_string(telling.events.size());
        if (name == "tick") return std::to_string(telling.tick);
        if (name == "job") return telling.job;
        if (name == "detected")
            return format_time(telling.local, format.empty() ? "%F %T" : format, telling.language);
        if (name == "event_ids") return ids;
        if (name == "items") return items;
        return std::nullopt;
    };
    items = items_of(telling, channel.wording);
    const string subject = one_line(fill_words(channel.wording.subject, value_of), 300);
    text = fill_words(channel.wording.text, value_of);

    std::vector<Mailbox> recipients = channel.to;
    if (channel.kind != Channel::Kind::smtp) recipients = {{"", ""}};
    std::vector<NewMessage> messages;
    for (const Mailbox& to : recipients) {
        NewMessage message;
        // News is known by its events; what else is told, by when.
        std::vector<string> parts = {
            "message",  telling.job,   channel.id,
            to.address, telling.watch, std::to_string(static_cast<int>(telling.about))};
        if (telling.about == Telling::About::news || telling.about == Telling::About::held)
            parts.insert(parts.end(), telling.ids.begin(), telling.ids.end());
        if (telling.about != Telling::About::news) {
            parts.push_back(std::to_string(telling.tick));
            parts.push_back(format_local(telling.local));
        }
        message.key = name_for(parts);
        message.channel = channel.id;
        message.recipient = to.address;
        message.subject = subject;
        message.events = telling.ids;
        if (channel.kind == Channel::Kind::smtp) {
            message.payload = write_mail({channel.from, to, subject, text, html_of(telling, news),
                                          message.key, channel.message_id_domain,
                                          format_mail_date(telling.local, telling.wall)});
        } else {
            const bool json = channel.kind == Channel::Kind::webhook &&
                              channel.content_type.find("json") != string::npos;
            message.payload = fill_body(
                channel.body, [&](string_view name, string_view format) -> std::optional<string> {
                    std::optional<string> value;
                    if (name == "text") value = text;
                    if (name == "subject") value = subject;
                    if (name == "key") value = message.key;
                    if (!value) value = value_of(name, format);
                    if (value && json) value = escape_json(*value);
                    return value;
                });
        }
        messages.push_back(std::move(message));
    }
    return messages;
}

std::vector<string_view> subject_names() {
    return {"watch", "watch_id", "news", "count", "tick", "job", "detected"};
}
std::vector<string_view> item_names() {
    return {"title", "date",        "start",  "end",  "screen", "hall_kind", "format",
            "seats", "seats_total", "branch", "link", "id",     "kind"};
}
std::vector<string_view> text_names() {
    auto names = subject_names();
    names.insert(names.end(), {"items", "event_ids"});
    return names;
}
std::vector<string_view> body_names() {
    auto names = text_names();
    names.insert(names.end(), {"text", "subject", "key"});
    return names;
}

}  // namespace oneloop::worker
