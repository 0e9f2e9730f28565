#include "worker/metrics.h"

#include <nlohmann/json.hpp>
#include <sstream>

namespace oneloop::worker {
namespace {

using Labels = std::vector<std::pair<const char*, std::string>>;

std::string escaped(const std::string& value) {
    std::string out;
    for (const char c : value) {
        if (c == '\\' || c == '"') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

class Page {
  public:
    Page() { text_.precision(15); }

    void family(const char* name, const char* type, const char* help) {
        name_ = name;
        text_ << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
    }
    template <class Number>
    void value(Number number, const Labels& labels = {}, const char* suffix = "") {
        text_ << name_ << suffix;
        const char* before = "{";
        for (const auto& [label, of] : labels) {
            text_ << before << label << "=\"" << escaped(of) << '"';
            before = ",";
        }
        text_ << (labels.empty() ? " " : "} ") << number << '\n';
    }
    template <class Number>
    void single(const char* name, const char* type, const char* help, Number number) {
        family(name, type, help);
        value(number);
    }
    void pairs(const char* name, const char* help, const char* first, const char* second,
               const std::map<Tally::Pair, std::uint64_t>& values) {
        family(name, "counter", help);
        for (const auto& [key, number] : values)
            value(number, {{first, key.first}, {second, key.second}});
    }
    void histogram(const char* name, const char* help, const Tally::Latency& latency) {
        family(name, "histogram", help);
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < Tally::bounds.size(); ++i) {
            sum += latency.counts[i];
            std::ostringstream bound;
            bound << Tally::bounds[i];
            value(sum, {{"le", bound.str()}}, "_bucket");
        }
        sum += latency.counts.back();
        value(sum, {{"le", "+Inf"}}, "_bucket");
        value(latency.sum, {}, "_sum");
        value(sum, {}, "_count");
    }
    [[nodiscard]] std::string text() const { return text_.str(); }

  private:
    std::ostringstream text_;
    const char* name_ = "";
};

void write_watches(Page& page, const std::vector<WatchView>& watches) {
    static constexpr std::array states = {"starting", "ok", "empty", "blocked", "shape", "down"};
    page.family("oneloop_source_state", "gauge", "1 for the state that the source is in.");
    for (const WatchView& watch : watches) {
        std::string now = "starting";
        if (watch.last_tick) {
            const auto data = nlohmann::json::parse(watch.last_tick->data, nullptr, false);
            if (data.is_object()) now = data.value("outcome", now);
        }
        for (const char* state : states)
            page.value(now == state ? 1 : 0, {{"watch", watch.id}, {"state", state}});
    }
    page.family("oneloop_items", "gauge", "Showtimes that are known: all, matching, bookable.");
    for (const WatchView& watch : watches) {
        page.value(watch.row.items, {{"watch", watch.id}, {"state", "known"}});
        page.value(watch.row.matching, {{"watch", watch.id}, {"state", "matching"}});
        page.value(watch.row.bookable, {{"watch", watch.id}, {"state", "bookable"}});
    }
    page.family("oneloop_paused", "gauge", "1 while a person wants no polls of it.");
    for (const WatchView& watch : watches)
        page.value(watch.row.paused_since ? 1 : 0, {{"watch", watch.id}});
    page.family("oneloop_failures_in_a_row", "gauge",
                "Polls that failed, since the last good one.");
    for (const WatchView& watch : watches)
        page.value(watch.row.failures, {{"watch", watch.id}});
    page.family("oneloop_tick", "gauge", "Number of the last claimed tick.");
    for (const WatchView& watch : watches)
        page.value(watch.row.tick, {{"watch", watch.id}});
}

void write_leader(Page& page, const MetricsView& view) {
    page.family("oneloop_lease_remaining_seconds", "gauge",
                "How long this process stays the one that polls without a further sign of life; "
                "+Inf: as long as it lives, 0: it is not the one.");
    if (!view.snapshot->polling) {
        page.value(0);
    } else if (view.lease) {
        page.value(std::chrono::duration<double>(*view.lease).count());
    } else {
        page.value("+Inf");
    }
    Prevented prevented = view.snapshot->prevented;
    prevented.add(view.tally->prevented);
    page.family("oneloop_duplicates_prevented_total", "counter",
                "Loops, polls and events that did not happen a second time.");
    for (std::size_t i = 0; i < twice_names.size(); ++i) {
        const auto reason = static_cast<Twice>(i);
        page.value(prevented.of(reason), {{"reason", std::string(name_of(reason))}});
    }
}

void write_outbox(Page& page, const OutboxCounts& counts) {
    page.family("oneloop_deliveries", "gauge",
                "Messages in the state file, by what became of them.");
    page.value(counts.queued, {{"state", "queued"}});
    page.value(counts.failed, {{"state", "failed"}});
    page.value(counts.sent, {{"state", "sent"}});
    page.value(counts.uncertain, {{"state", "uncertain"}});
    page.value(counts.dead, {{"state", "dead"}});
    page.value(counts.skipped, {{"state", "skipped"}});
    page.single("oneloop_not_written_total", "counter",
                "Messages that were never written, since a queue was full.", counts.overflow);
}

}  // namespace

void Tally::Latency::add(double seconds) {
    std::size_t i = 0;
    while (i < bounds.size() && seconds > bounds[i])
        ++i;
    ++counts[i];
    sum += seconds;
}

void Tally::add(const JournalRow& row) {
    const auto data = nlohmann::json::parse(row.data, nullptr, false);
    if (!data.is_object()) return;
    const auto number = [&](const char* name) { return data.value(name, std::int64_t{0}); };
    if (row.kind == "tick") {
        ++ticks[{row.watch, data.value("outcome", "")}];
        tick_time.add(static_cast<double>(number("ms")) / 1000);
    } else if (row.kind == "event") {
        ++events[{row.watch, data.value("what", "")}];
    } else if (row.kind == "delivery") {
        const std::string state = data.value("state", "");
        if (state == "uncertain") ++uncertain;
        if (state == "sent") delivery_time.add(static_cast<double>(number("took_ms")) / 1000);
    } else if (row.kind == "prevented") {
        if (const auto reason = twice_named(data.value("reason", ""))) prevented.add(*reason);
    }
}

std::string metrics_text(const MetricsView& view) {
    const Snapshot& now = *view.snapshot;
    const Tally& tally = *view.tally;
    Page page;
    page.family("oneloop_info", "gauge", "Which program, for which job.");
    page.value(1, {{"version", now.version}, {"job", now.job}});
    page.single("oneloop_polling", "gauge", "1 while this process is the one that polls.",
                now.polling ? 1 : 0);
    page.single("oneloop_generation", "gauge", "Number of this worker, given by its supervisor.",
                now.generation);
    page.single("oneloop_epoch", "gauge",
                "Number of the process that polls, of all that polled for this state file.",
                view.epoch);
    write_leader(page, view);
    page.pairs("oneloop_ticks_total", "Polls that came to an end.", "watch", "outcome",
               tally.ticks);
    page.single("oneloop_tick_lag_seconds", "gauge", "How late the last tick began.",
                std::chrono::duration<double>(now.lag).count());
    page.family("oneloop_http_requests_total", "counter",
                "Requests to a host, by the HTTP status of the answer; 0: no answer.");
    for (const auto& [asked, times] : now.asked)
        page.value(times, {{"host", asked.first}, {"code", std::to_string(asked.second)}});
    page.histogram("oneloop_tick_seconds", "How long the cinema took to answer.", tally.tick_time);
    page.pairs("oneloop_events_total", "What happened to matching showtimes.", "watch", "kind",
               tally.events);
    page.histogram("oneloop_delivery_latency_seconds",
                   "From being written to being accepted by the receiver.", tally.delivery_time);
    page.single("oneloop_uncertain_total", "counter",
                "Messages of which nobody knew whether they had arrived.", tally.uncertain);
    write_watches(page, view.watches);
    if (now.outbox) write_outbox(page, now.outbox->counts);
    page.single("oneloop_state_bytes", "gauge", "Size of the state file.", view.state_bytes);
    page.single("oneloop_streams", "gauge", "Clients that follow /api/v1/stream.", view.streams);
    page.single("process_cpu_seconds_total", "counter", "CPU time of this process.",
                view.process.cpu_seconds);
    page.single("process_resident_memory_bytes", "gauge", "Memory of this process.",
                view.process.resident_bytes);
    page.single("process_open_fds", "gauge", "Open descriptors.", view.process.open_files);
    page.single("process_start_time_seconds", "gauge", "When this process started.",
                view.process.start_seconds);
    return page.text();
}

}  // namespace oneloop::worker
