#include "supervisor/selftest_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/exit_status.h"

namespace oneloop::selftest {
namespace {

using Json = nlohmann::ordered_json;

// Rule of three: none in n says, with 95 % confidence, fewer than 3/n.
long one_in(long kills) {
    return kills / 3;
}

bool controls_failed(const Report& report) {
    for (const auto& control : report.controls) {
        if (!control.caught) return false;
    }
    return !report.controls.empty();
}

const char* verdict_of(const Report& report) {
    if (report.interrupted) return "interrupted";
    if (!controls_failed(report)) return "proves nothing";
    return report.run.broken.empty() ? "passed" : "broken";
}

std::string verdict_text(const Report& report) {
    const Counts& counts = report.run.counts;
    if (report.interrupted) {
        return fmt::format("no verdict: {} after {} of {} kills; nothing is left running\n",
                           signal_name(report.interrupted), counts.kills, report.kills_wanted);
    }
    if (!controls_failed(report)) {
        return "proves nothing: a control that does it wrong was not caught, so a supervisor that\n"
               "does it wrong would not be either; is this machine too busy, or too fast?\n";
    }
    std::string text;
    if (report.run.broken.empty()) {
        text = fmt::format("no two workers in {} kills (95 % confidence: less than one in {})\n",
                           counts.kills, one_in(counts.kills));
        return text + fmt::format(
                          "nothing was left {:.0f}ms after the end; a worker ran {:.0f}ms "
                          "after the last fault\n",
                          report.run.gone_seconds * 1000, report.run.start_seconds * 1000);
    }
    text = fmt::format("a promise was broken after {} kills\n", counts.kills);
    for (const auto& one : report.run.broken)
        text += fmt::format("  {}: {}\n", one.promise, one.evidence);
    return text;
}

std::string kinds_text(const Counts& counts) {
    return fmt::format(
        "killed    {} supervisors, {} wardens, {} workers, {} supervisors with their wardens\n"
        "besides   {} stops, {} edits, {} second starts refused, {} replaced, {} starts too early\n"
        "seen      {} workers, {} overlaps, {} leftovers\n",
        counts.supervisors, counts.wardens, counts.workers_killed, counts.both, counts.stops,
        counts.edits, counts.seconds, counts.replaced, counts.too_early, counts.workers,
        counts.overlaps, counts.leftovers);
}

Json counts_json(const Counts& counts) {
    return {{"kills", counts.kills},
            {"supervisors_killed", counts.supervisors},
            {"wardens_killed", counts.wardens},
            {"workers_killed", counts.workers_killed},
            {"supervisors_and_wardens_killed", counts.both},
            {"stops", counts.stops},
            {"edits", counts.edits},
            {"second_starts_refused", counts.seconds},
            {"replaced", counts.replaced},
            {"starts_too_early", counts.too_early},
            {"workers", counts.workers},
            {"overlaps", counts.overlaps},
            {"leftovers", counts.leftovers}};
}

}  // namespace

std::string progress_line(const Counts& counts, long kills_wanted) {
    return fmt::format("kills {}/{}  workers {}  overlaps {}  leftovers {}", counts.kills,
                       kills_wanted, counts.workers, counts.overlaps, counts.leftovers);
}

std::string controls_text(const std::vector<Control>& controls) {
    std::string text;
    for (const auto& control : controls) {
        text += fmt::format("control   {}: {}{}\n", control.name, control.text,
                            control.caught ? "; caught, as it has to be" : ": NOT CAUGHT");
    }
    return text;
}

std::string to_text(const Report& report) {
    std::string text = verdict_text(report);
    if (report.run.counts.kills > 0) text += kinds_text(report.run.counts);
    text += fmt::format("layers    isolation: {}{}\n", report.isolation,
                        report.fallback.empty() ? "" : " (" + report.fallback + ")");
    for (const auto& line : report.layers)
        text += fmt::format("          {}: {}\n", line.what, line.detail);
    text += fmt::format("seed      {}, {:.1f}s; again: {}\n", report.seed, report.seconds,
                        report.repeat);
    if (!report.kept.empty()) text += fmt::format("kept      {}\n", report.kept);
    return text;
}

std::string to_json(const Report& report) {
    Json json = {{"verdict", verdict_of(report)},
                 {"exit_code", report.exit_code},
                 {"seed", report.seed},
                 {"seconds", report.seconds},
                 {"kills_wanted", report.kills_wanted},
                 {"counts", counts_json(report.run.counts)}};
    const bool passed = controls_failed(report) && report.run.broken.empty() && !report.interrupted;
    const long bound = one_in(report.run.counts.kills);
    json["less_than_one_in"] = passed && bound > 0 ? Json(bound) : Json(nullptr);
    json["worker_after_faults_seconds"] = report.run.start_seconds;
    json["nothing_left_after_seconds"] = report.run.gone_seconds;
    json["controls"] = Json::array();
    for (const auto& control : report.controls) {
        json["controls"].push_back(
            {{"name", control.name}, {"caught", control.caught}, {"seen", control.text}});
    }
    json["broken"] = Json::array();
    for (const auto& one : report.run.broken)
        json["broken"].push_back({{"promise", one.promise}, {"evidence", one.evidence}});
    json["isolation"] = report.isolation;
    json["fallback"] = report.fallback;
    json["layers"] = Json::array();
    for (const auto& line : report.layers) {
        json["layers"].push_back({{"invariant", line.invariant},
                                  {"what", line.what},
                                  {"detail", line.detail},
                                  {"holds", line.standing == Standing::holds}});
    }
    json["directory"] = report.directory;
    json["kept"] = report.kept;
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace oneloop::selftest
