#include "worker/alert.h"

#include <algorithm>

#include "worker/hash.h"

namespace oneloop::worker {

bool worth_telling(const Event& event, const AlertRule& rule) {
    if (std::find(rule.events.begin(), rule.events.end(), event.kind) == rule.events.end())
        return false;
    const bool came = event.kind == EventKind::opened || event.kind == EventKind::changed;
    return !came || !sold_out(event.item);
}

std::string subject_of(const std::vector<SourceSpec>& sources, const std::vector<Condition>& where,
                       const DateRule& dates) {
    std::vector<std::string> parts = {"subject"};
    for (const SourceSpec& source : sources) {
        parts.insert(parts.end(), {source.method, source.url, source.json});
        for (const auto& [name, value] : source.form) {
            parts.push_back(name);
            parts.push_back(value);
        }
    }
    parts.push_back("where");
    for (const Condition& condition : where) {
        parts.push_back(condition.field);
        parts.push_back(std::to_string(static_cast<int>(condition.kind)));
        parts.push_back(std::to_string(condition.least));
        parts.insert(parts.end(), condition.values.begin(), condition.values.end());
    }
    parts.push_back("dates");
    for (const Date date : dates.list)
        parts.push_back(format_date(date, "%Y%m%d"));
    if (dates.from) parts.push_back(format_date(*dates.from, "%Y%m%d"));
    if (dates.to) parts.push_back(format_date(*dates.to, "%Y%m%d"));
    parts.push_back(std::to_string(dates.next));
    if (dates.open) parts.emplace_back("open");
    return name_for(parts);
}

}  // namespace oneloop::worker
