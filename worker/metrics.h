// metrics: /metrics in Prometheus' text format, from values.
//
// Counters are of this process and come out of the journal, so that what a reload cuts off is
// counted by nobody twice. Labels are names of the configuration, HTTP statuses and words of ours,
// so their number is bounded. Not for reading the values (api.h). Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "worker/api_json.h"
#include "worker/records.h"

namespace oneloop::worker {

// What journal rows add up to.
class Tally {
  public:
    static constexpr std::array<double, 8> bounds = {0.1, 0.5, 1, 2, 5, 15, 60, 300};  // seconds
    struct Latency {
        std::array<std::uint64_t, bounds.size() + 1> counts{};  // the last: longer than all
        double sum = 0;
        void add(double seconds);
    };

    void add(const JournalRow& row);

    using Pair = std::pair<std::string, std::string>;
    std::map<Pair, std::uint64_t> ticks;   // watch, outcome
    std::map<Pair, std::uint64_t> events;  // watch, kind
    Prevented prevented;                   // what other processes were refused
    std::uint64_t uncertain = 0;
    Latency tick_time;
    Latency delivery_time;  // from being written to being accepted
};

struct ProcessNumbers {
    double cpu_seconds = 0;
    double resident_bytes = 0;
    double start_seconds = 0;  // since the epoch
    std::uint64_t open_files = 0;
};

struct MetricsView {
    const Snapshot* snapshot = nullptr;
    const Tally* tally = nullptr;
    std::vector<WatchView> watches;
    std::uint64_t epoch = 0;
    std::optional<Duration> lease;  // none: while this process lives
    std::uint64_t state_bytes = 0;
    std::size_t streams = 0;
    ProcessNumbers process;
};

std::string metrics_text(const MetricsView& view);

}  // namespace oneloop::worker
