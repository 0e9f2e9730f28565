#include "worker/inquiry.h"

#include <algorithm>
#include <utility>

namespace oneloop::worker {
namespace {

using std::chrono::milliseconds;

// Showtimes that could vanish or change: about them the list of dates says too little.
bool something_known(const Ledger& known, Date date, LocalTime local) {
    return std::any_of(known.begin(), known.end(), [&](const auto& row) {
        const Known& one = row.second;
        const bool there = one.state == State::available || one.state == State::sold_out;
        return there && one.item.date == date && !about_to_start(one.item, local);
    });
}

const Listed& listed_by(const Finding& gate) {
    static const Listed nothing;
    if (!gate.answer) return nothing;
    if (const auto* rows = std::get_if<Rows>(&*gate.answer)) return rows->listed;
    if (const auto* empty = std::get_if<Empty>(&*gate.answer)) return empty->listed;
    return nothing;
}

// What is known of a date without asking about it.
std::optional<Answer> without_asking(const Finding& gate, Date date, const Ledger& known,
                                     LocalTime local) {
    if (gate.answer) {
        // Who asks for calm is not asked once more for each date.
        const auto* refusal = std::get_if<Blocked>(&*gate.answer);
        if (refusal && (refusal->overload || refusal->retry_after)) return *refusal;
    }
    const Listed& listed = listed_by(gate);
    if (listed.empty()) return std::nullopt;
    const auto found = listed.find(date);
    const bool open = found != listed.end() && found->second;
    if (open || something_known(known, date, local)) return std::nullopt;
    return Empty{"the list of dates has no showtimes for it", {}};
}

void add(std::vector<Date>& dates, Date date) {
    const auto place = std::lower_bound(dates.begin(), dates.end(), date);
    if (place == dates.end() || *place != date) dates.insert(place, date);
}

// Every date that is open somewhere, or that has showtimes we know of, up to a month of them.
std::vector<Date> open_dates(std::vector<Date> dates, const std::vector<Finding>& gates,
                             const Ledger& known, LocalTime local) {
    const Date first = dates.front();
    for (const Finding& gate : gates) {
        for (const auto& [date, open] : listed_by(gate))
            if (open && date > first) add(dates, date);
    }
    for (const auto& [id, row] : known) {
        if (row.item.date > first && something_known(known, row.item.date, local))
            add(dates, row.item.date);
    }
    if (dates.size() > most_dates) dates.resize(most_dates);
    return dates;
}

std::string questions_of(const Watch& watch) {
    std::string all;
    for (const SourceSpec& source : watch.sources) {
        HttpRequest request = make_request(source, Date{}, Date{});
        request.user_agent = watch.user_agent;
        all += Memo::key_of(request);
    }
    return all;
}

}  // namespace

Inquiry::Inquiry(const std::vector<Watch>& watches, Fetch fetch, std::function<BootTime()> now)
    : fetch_(std::move(fetch)), now_(std::move(now)) {
    std::map<std::string, std::size_t> known;
    for (const Watch& watch : watches) {
        const auto [place, is_new] = known.try_emplace(questions_of(watch), members_.size());
        if (is_new) members_.push_back(0);
        group_[watch.id] = place->second;
        ++members_[place->second];
    }
}

BootTime Inquiry::free_at(const Watch& watch, BootTime now) const {
    return budget_.free_at(watch.host, now);
}

bool Inquiry::has_company(const Watch& watch) const {
    return members_[group_.at(watch.id)] > 1;
}

bool Inquiry::same_questions(const Watch& a, const Watch& b) const {
    return group_.at(a.id) == group_.at(b.id);
}

milliseconds Inquiry::patience(const Watch& watch, std::size_t requests) {
    // Every request timed out, two at a time, and more; and each had to wait for its turn.
    const auto count = static_cast<int>(requests);
    milliseconds longest = watch.timeout * (count / 2 + 2);
    if (watch.host.per_second > 0)
        longest +=
            milliseconds(static_cast<milliseconds::rep>(1000 * count / watch.host.per_second));
    return longest;
}

std::vector<Finding> Inquiry::ask(const Watch& watch, const Ledger& known, LocalTime local,
                                  std::stop_token stop) {
    std::vector<Date> dates = dates_to_poll(watch.dates, local);
    if (dates.empty()) return {};
    const Date first = dates.front();
    std::vector<Question> questions;  // the gates, and what has none
    for (const SourceSpec& source : watch.sources)
        questions.push_back({&source, first});
    for (const SourceSpec& source : watch.sources) {
        for (std::size_t i = 1; i < dates.size() && !source.dates; ++i)
            questions.push_back({&source, dates[i]});
    }
    std::vector<Finding> findings = send(watch, questions, local, stop);
    if (stop.stop_requested()) return findings;
    const std::size_t gates = watch.sources.size();
    if (watch.dates.open) dates = open_dates(std::move(dates), findings, known, local);
    std::vector<Question> rest;
    for (std::size_t i = 0; i < gates; ++i) {
        const SourceSpec& source = watch.sources[i];
        if (!source.dates) continue;
        for (const Date date : dates) {
            if (date == first) continue;
            auto answer = without_asking(findings[i], date, known, local);
            if (!answer) {
                rest.push_back({&source, date});
                continue;
            }
            Finding finding;
            finding.date = date;
            finding.source = source.name;
            finding.answer = std::move(answer);
            findings.push_back(std::move(finding));
        }
    }
    for (Finding& finding : send(watch, rest, local, stop))
        findings.push_back(std::move(finding));
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.date < b.date; });
    return findings;
}

std::vector<Finding> Inquiry::send(const Watch& watch, const std::vector<Question>& questions,
                                   LocalTime local, std::stop_token stop) {
    const BootTime now = now_();
    const bool shared = has_company(watch);
    std::vector<HttpReply> replies(questions.size());
    std::vector<std::string> keys(questions.size());
    std::vector<HttpRequest> requests;
    std::vector<std::size_t> asked;  // which questions the requests are
    for (std::size_t i = 0; i < questions.size(); ++i) {
        HttpRequest request = make_request(*questions[i].source, questions[i].date, date_of(local));
        request.timeout = watch.timeout;
        request.user_agent = watch.user_agent;
        request.ca = watch.ca;
        keys[i] = Memo::key_of(request);
        // Never this watch's own last one, which is a period old.
        if (const HttpReply* recent = memo_.recent(keys[i], now - watch.pace.every / 2)) {
            replies[i] = *recent;
            continue;
        }
        memo_.add_conditions(keys[i], request);
        request.delay = std::chrono::ceil<milliseconds>(budget_.take(watch.host, now) - now);
        requests.push_back(std::move(request));
        asked.push_back(i);
    }
    if (!requests.empty()) {
        std::vector<HttpReply> got = fetch_(requests, std::move(stop));
        for (std::size_t i = 0; i < asked.size(); ++i)
            replies[asked[i]] = std::move(got[i]);
    }
    std::vector<Finding> findings;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        Finding finding;
        finding.date = questions[i].date;
        finding.source = questions[i].source->name;
        finding.code = replies[i].code;
        finding.took = replies[i].took;
        finding.error = replies[i].error;
        const bool fresh = std::find(asked.begin(), asked.end(), i) != asked.end();
        if (fresh) replies[i] = memo_.keep(keys[i], std::move(replies[i]), now, shared);
        if (finding.error.empty()) {
            finding.answer =
                read_reply(replies[i], *questions[i].source, questions[i].date, date_of(local));
            if (fresh) heed(watch, *finding.answer, keys[i], now);
        }
        findings.push_back(std::move(finding));
    }
    return findings;
}

// A refusal is about the host and not about the watch that met it.
void Inquiry::heed(const Watch& watch, const Answer& answer, const std::string& key, BootTime at) {
    const auto* refusal = std::get_if<Blocked>(&answer);
    if (refusal || std::holds_alternative<ChangedShape>(answer)) memo_.distrust(key);
    if (!refusal) return;
    if (refusal->overload) budget_.pause(watch.host, at + overload_pause);
    if (refusal->retry_after) budget_.pause(watch.host, at + *refusal->retry_after);
}

}  // namespace oneloop::worker
