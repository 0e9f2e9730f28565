// [[watch]]: what is polled, how often, for which dates and showtimes.
#include <algorithm>
#include <set>

#include "common/duration.h"
#include "worker/config_reader.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

Date read_date(const ConfigReader& reader, const toml::node& node) {
    if (const auto date = node.value_exact<toml::date>()) {
        return Date{std::chrono::year{date->year}, std::chrono::month{date->month},
                    std::chrono::day{date->day}};
    }
    const auto text = node.value_exact<std::string>();
    const auto date = text ? parse_date(*text) : std::nullopt;
    if (!date) reader.problem(node, "a date is written \"2025-12-03\"");
    return date.value_or(Date{});
}

DateRule read_dates(const ConfigReader& watch) {
    DateRule rule;
    const auto* node = watch.node("dates");
    if (!node) {
        watch.problem_here(
            "watch.dates is missing: a list of dates, { from, to }, { next = 3 } or \"open\"");
        return rule;
    }
    if (node->value_exact<std::string>() == "open") {
        rule.open = true;
        return rule;
    }
    if (const auto* list = node->as_array()) {
        for (const auto& entry : *list)
            rule.list.push_back(read_date(watch, entry));
        if (list->empty()) watch.problem(*node, "watch.dates is empty");
        if (list->size() > most_dates) watch.problem(*node, "watch.dates has more than 31 dates");
        return rule;
    }
    if (!node->is_table()) {
        watch.problem(
            *node, "watch.dates must be a list of dates, { from, to }, { next = 3 } or \"open\"");
        return rule;
    }
    const ConfigReader dates(*node->as_table(), "dates", {"from", "to", "next"}, watch.problems());
    if (dates.has("next")) {
        const std::int64_t next = dates.integer("next").value_or(1);
        const bool possible = next >= 1 && next <= most_dates;
        if (!possible || dates.has("from") || dates.has("to"))
            dates.problem_here("dates.next must stand alone and be from 1 to 31");
        rule.next = possible ? static_cast<int>(next) : 1;
        return rule;
    }
    if (!dates.has("from") || !dates.has("to")) {
        dates.problem_here("dates needs both from and to, or next");
        return rule;
    }
    rule.from = read_date(dates, *dates.node("from"));
    rule.to = read_date(dates, *dates.node("to"));
    const auto days = std::chrono::local_days{*rule.to} - std::chrono::local_days{*rule.from};
    if (days.count() < 0) dates.problem(*dates.node("to"), "dates.to is before dates.from");
    if (days.count() >= most_dates) dates.problem(*dates.node("to"), "dates: more than 31 days");
    return rule;
}

void check_values(const ConfigReader& reader, const Condition& condition, const toml::node& node) {
    if (condition.kind == Condition::Kind::contains && simplify(condition.values[0]).empty()) {
        reader.problem(node, "where.contains is empty");
    }
    if (condition.kind != Condition::Kind::between) return;
    for (const auto& value : condition.values) {
        if (is_clock_field(condition.field) && !parse_clock(value)) {
            reader.problem(
                node, "where.between: '" + one_line(value, 20) + "' is no time, 00:00 to 29:59");
        }
        if (condition.field == "date" && !parse_date(value)) {
            reader.problem(node, "where.between: '" + one_line(value, 20) + "' is no date");
        }
    }
}

std::optional<Condition> read_condition(const toml::table& table, std::vector<Problem>& problems) {
    const ConfigReader reader(
        table, "where", {"field", "contains", "equals", "in", "at_least", "between"}, problems);
    Condition condition;
    condition.field = reader.required("field");
    if (!condition.field.empty() && !is_field(condition.field)) {
        const auto& names = field_names();
        const auto near = nearest(condition.field, {names.begin(), names.end()});
        reader.problem(*reader.node("field"),
                       fmt::format("unknown field '{}'{}", one_line(condition.field, 40),
                                   near.empty() ? "" : ", did you mean '" + near + "'?"));
    }
    if (table.size() != 2) {
        reader.problem_here("where needs field and one of contains, equals, in, at_least, between");
        return std::nullopt;
    }
    using Kind = Condition::Kind;
    if (reader.has("at_least")) {
        condition.kind = Kind::at_least;
        const auto least = reader.integer("at_least").value_or(0);
        if (least < 0 || least > 1'000'000) reader.problem_here("where.at_least is out of range");
        condition.least = static_cast<int>(std::clamp<std::int64_t>(least, 0, 1'000'000));
        if (!is_number_field(condition.field)) {
            reader.problem_here("where.at_least is for seats and seats_total");
        }
        return condition;
    }
    for (const auto& [kind, key] :
         {std::pair{Kind::in, "in"}, std::pair{Kind::between, "between"}}) {
        if (!reader.has(key)) continue;
        condition.kind = kind;
        condition.values = reader.texts(key);
        if (condition.values.empty() || (kind == Kind::between && condition.values.size() != 2)) {
            reader.problem(*reader.node(key), kind == Kind::in ? "where.in is empty"
                                                               : "where.between needs two values");
            return std::nullopt;
        }
        check_values(reader, condition, *reader.node(key));
        return condition;
    }
    const char* key = reader.has("contains") ? "contains" : "equals";
    condition.kind = reader.has("contains") ? Kind::contains : Kind::equals;
    const auto value = reader.text(key);
    if (!value) return std::nullopt;
    condition.values = {*value};
    check_values(reader, condition, *reader.node(key));
    return condition;
}

AlertRule read_alerts(const ConfigReader& watch, const std::vector<Channel>& channels) {
    AlertRule rule;
    rule.channels = watch.texts("channels");
    check_channels(watch, rule.channels, channels);
    if (watch.has("events")) {
        rule.events.clear();
        for (const std::string& name : watch.texts("events")) {
            if (const auto kind = event_kind_from(name)) {
                rule.events.push_back(*kind);
            } else {
                watch.problem(*watch.node("events"),
                              "watch.events: '" + one_line(name, 40) +
                                  "' is none of opened, available, changed, sold_out, gone");
            }
        }
        if (watch.array("events") && watch.array("events")->empty())
            watch.problem(*watch.node("events"), "watch.events is empty");
    }
    rule.digest = watch.choice("first_run", {"digest", "silent"}) == 0;
    return rule;
}

Watch read_watch(const toml::table& table, const std::string& server,
                 const std::vector<Channel>& channels, std::vector<Problem>& problems) {
    const ConfigReader reader(table, "watch",
                              {"id", "name", "every", "align", "dates", "where", "source",
                               "channels", "events", "confirm", "first_run", "active_until"},
                              problems);
    Watch watch;
    watch.id = reader.required("id");
    watch.name = reader.text("name").value_or(watch.id);
    watch.dates = read_dates(reader);
    watch.alerts = read_alerts(reader, channels);
    if (const auto confirm = reader.integer("confirm")) {
        if (*confirm < 1 || *confirm > 100)
            reader.problem(*reader.node("confirm"), "watch.confirm is from 1 to 100 polls");
        watch.confirm = static_cast<unsigned>(std::clamp<std::int64_t>(*confirm, 1, 100));
    }
    if (const auto* until = reader.node("active_until")) watch.until = read_date(reader, *until);
    if (const auto* where = reader.array("where")) {
        for (const auto& entry : *where) {
            if (!entry.is_table()) {
                reader.problem(entry, "watch.where must be a list of { field = ..., ... }");
            } else if (auto condition = read_condition(*entry.as_table(), problems)) {
                watch.where.push_back(std::move(*condition));
            }
        }
    }
    watch.sources.emplace_back();
    if (const auto* source = reader.table("source")) {
        watch.sources = read_sources(*source, server, problems);
        if (watch.dates.open && !watch.sources[0].dates)
            reader.problem(*reader.node("dates"),
                           "watch.dates = \"open\" needs a source with a date_list");
    } else if (!reader.has("source")) {
        reader.problem_here(
            "watch.source is missing, such as { preset = \"megabox\", branch = \"7011\" }");
    }
    watch.host.name = host_and_port(watch.sources[0].url);
    const bool loopback = is_loopback(watch.host.name);
    if (loopback) watch.host.per_second = 0;
    watch.pace.floor = loopback ? shortest_every_loopback : shortest_every;
    watch.pace.every = reader.duration("every").value_or(default_every);
    watch.pace.align = reader.boolean("align").value_or(false);
    if (watch.pace.every < watch.pace.floor) {
        // Raised, not refused: pointing a demo at a real server is to be one line.
        watch.pace_note = fmt::format(
            "watch {}: every = {} is raised to {}, the shortest for this host", watch.id,
            format_duration(watch.pace.every), format_duration(watch.pace.floor));
        watch.pace.every = watch.pace.floor;
    }
    return watch;
}

}  // namespace

void read_watches(const toml::array& watches, const std::string& server, Config& config,
                  std::vector<Problem>& problems) {
    std::set<std::string> ids;
    const auto problem = [&](const toml::node& node, std::string text) {
        const auto place = node.source().begin;
        problems.push_back(
            {static_cast<int>(place.line), static_cast<int>(place.column), std::move(text)});
    };
    if (watches.empty()) problem(watches, "there is no [[watch]]");
    for (const auto& entry : watches) {
        if (!entry.is_table()) {
            problem(entry, "each watch must be a table, [[watch]]");
            continue;
        }
        Watch watch = read_watch(*entry.as_table(), server, config.channels, problems);
        if (!watch.id.empty() && !ids.insert(watch.id).second) {
            problem(*(*entry.as_table())["id"].node(), "watch.id '" + watch.id + "' is used twice");
        }
        config.watches.push_back(std::move(watch));
    }
}

}  // namespace oneloop::worker
