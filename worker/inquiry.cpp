#include "worker/inquiry.h"

#include <algorithm>
#include <utility>

namespace oneloop::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds pause_before_retry{1'000};

// Showtimes that could vanish or change: about them the list of dates says too little.
bool something_known(const Ledger& known, Date date, LocalTime local) {
    return std::any_of(known.begin(), known.end(), [&](const auto& row) {
        const Known& one = row.second;
        const bool there = one.state == State::available || one.state == State::sold_out;
        return there && one.item.date == date && !about_to_start(one.item, local);
    });
}

// Of the first date, which is asked first. What was asked more than once comes later than the rest.
const Finding& gate_of(const SourceSpec& source, Date first, const std::vector<Finding>& findings) {
    const auto found = std::find_if(findings.begin(), findings.end(), [&](const Finding& one) {
        return one.date == first && one.source == source.name;
    });
    return found == findings.end() ? findings.front() : *found;
}

const Listed& listed_by(const Finding& gate) {
    static const Listed nothing;
    if (!gate.answer) return nothing;
    if (const auto* rows = std::get_if<Rows>(&*gate.answer)) return rows->listed;
    if (const auto* empty = std::get_if<Empty>(&*gate.answer)) return empty->listed;
    return nothing;
}

bool wants_calm(const Answer& answer) {
    const auto* refusal = std::get_if<Blocked>(&answer);
    return refusal && (refusal->overload || refusal->retry_after);
}

// What is known of a date without asking about it.
std::optional<Answer> without_asking(const Finding& gate, Date date, const Ledger& known,
                                     LocalTime local) {
    // Who asks for calm is not asked once more for each date.
    if (gate.answer && wants_calm(*gate.answer)) return gate.answer;
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

Finding unasked(const Inquiry::Question& question, Answer answer) {
    Finding finding;
    finding.date = question.date;
    finding.source = question.source->name;
    finding.answer = std::move(answer);
    return finding;
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
    // Every try of every request timed out, two at a time, and more; and each had to wait for its
    // turn.
    const auto count = static_cast<int>(requests);
    const auto tries = static_cast<int>(watch.retries) + 1;
    milliseconds longest = watch.timeout * (count * tries / 2 + 2);
    longest += pause_before_retry * static_cast<int>(watch.retries);
    if (watch.host.per_second > 0)
        longest += milliseconds(
            static_cast<milliseconds::rep>(1000 * count * tries / watch.host.per_second));
    return longest;
}

Inquiry::Round Inquiry::begin(const Watch& watch, LocalTime local, BootTime answered) const {
    Round round;
    round.watch = &watch;
    round.answered = answered;
    round.local = local;
    round.dates = dates_to_poll(watch.dates, local);
    if (round.dates.empty()) {
        round.gates = false;
        return round;
    }
    // The gates, and what has none.
    for (const SourceSpec& source : watch.sources)
        round.open.push_back({&source, round.dates.front()});
    for (const SourceSpec& source : watch.sources) {
        for (std::size_t i = 1; i < round.dates.size() && !source.dates; ++i)
            round.open.push_back({&source, round.dates[i]});
    }
    return round;
}

void Inquiry::go_on(Round& round, const Ledger& known, const std::stop_token& stop) {
    while (!round.done()) {
        const bool answered = send(round, stop);
        if (stop.stop_requested() || (!answered && !round.open.empty())) return;
        const bool whole = round.open.empty();
        if (whole && round.gates) {
            follow_gates(round, known);
        } else if (!whole) {
            return;  // somebody else's turn, even if the host could be asked again by now
        }
    }
    std::stable_sort(round.findings.begin(), round.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.date < b.date; });
}

// What is left to be asked when the first date of each source is known.
void Inquiry::follow_gates(Round& round, const Ledger& known) {
    const Watch& watch = *round.watch;
    const Date first = round.dates.front();
    round.gates = false;
    if (watch.dates.open)
        round.dates = open_dates(std::move(round.dates), round.findings, known, round.local);
    for (const SourceSpec& source : watch.sources) {
        if (!source.dates) continue;
        const Finding gate = gate_of(source, first, round.findings);
        for (const Date date : round.dates) {
            if (date == first) continue;
            auto answer = without_asking(gate, date, known, round.local);
            if (answer) {
                round.findings.push_back(unasked({&source, date}, std::move(*answer)));
            } else {
                round.open.push_back({&source, date});
            }
        }
    }
}

bool Inquiry::send(Round& round, const std::stop_token& stop) {
    const Watch& watch = *round.watch;
    const BootTime now = now_();
    const bool shared = has_company(watch);
    const BootTime calm = budget_.paused_until(watch.host);
    std::vector<HttpReply> replies;
    std::vector<std::string> keys;
    std::vector<HttpRequest> requests;
    std::vector<std::size_t> asked;  // which questions the requests are
    std::size_t taken = 0;
    for (; taken < round.open.size(); ++taken) {
        const Question& question = round.open[taken];
        HttpRequest request = make_request(*question.source, question.date, date_of(round.local));
        request.timeout = watch.timeout;
        request.user_agent = watch.user_agent;
        request.ca = watch.ca;
        request.proxy = watch.proxy;
        request.http2 = watch.http2;
        std::string key = Memo::key_of(request);
        // Never one that this watch has read already: with `align`, or when a person asks for a
        // poll, its last round may be a moment ago.
        const BootTime since =
            std::max(now - watch.pace.every / 2, round.answered + BootClock::duration(1));
        const HttpReply* recent = memo_.recent(key, since);
        if (!recent) {
            if (budget_.free_at(watch.host, now) > now) break;
            memo_.add_conditions(key, request);
            budget_.take(watch.host, now);
            requests.push_back(std::move(request));
            asked.push_back(taken);
        }
        keys.push_back(std::move(key));
        replies.push_back(recent ? *recent : HttpReply{});
    }
    if (!requests.empty()) {
        std::vector<HttpReply> got = fetch_(requests, stop);
        for (std::size_t i = 0; i < asked.size(); ++i) {
            // What no server may say is counted as no answer, so that nobody makes new series.
            const bool real = got[i].error.empty() && got[i].code >= 100 && got[i].code < 600;
            ++asked_[{watch.host.name, real ? got[i].code : 0}];
            replies[asked[i]] = std::move(got[i]);
        }
    }
    // Who has asked for calm, now or meanwhile another watch, is not asked for the rest.
    std::optional<Blocked> refused;
    std::vector<Question> again;
    if (calm > now)
        refused = Blocked{"the host has asked for calm", false,
                          std::chrono::ceil<std::chrono::seconds>(calm - now)};
    for (std::size_t i = 0; i < taken; ++i) {
        const Question& question = round.open[i];
        if (replies[i].again && question.tries < watch.retries) {
            again.push_back({question.source, question.date, question.tries + 1});
            continue;
        }
        Finding finding;
        finding.date = question.date;
        finding.source = question.source->name;
        finding.code = replies[i].code;
        finding.took = replies[i].took;
        finding.error = replies[i].error;
        const bool fresh = std::find(asked.begin(), asked.end(), i) != asked.end();
        if (fresh) replies[i] = memo_.keep(keys[i], std::move(replies[i]), now, shared);
        if (finding.error.empty()) {
            finding.answer =
                read_reply(replies[i], *question.source, question.date, date_of(round.local));
            if (fresh) heed(watch, *finding.answer, keys[i], now);
            if (wants_calm(*finding.answer)) refused = std::get<Blocked>(*finding.answer);
        }
        round.findings.push_back(std::move(finding));
    }
    round.open.erase(round.open.begin(), round.open.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!again.empty()) {
        round.rests = now_() + pause_before_retry;
        round.open.insert(round.open.begin(), again.begin(), again.end());
    }
    if (!refused) return taken > again.size();
    for (const Question& question : std::exchange(round.open, {}))
        round.findings.push_back(unasked(question, *refused));
    return true;
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
