#include "worker/ticker.h"

#include <nlohmann/json.hpp>

#include "common/log.h"

namespace oneloop::worker {

Ticker::Ticker(const std::string& state, const Snapshot& self) : journal_(state) {
    const nlohmann::ordered_json who = {{"epoch", journal_.next_epoch()},
                                        {"pid", self.pid},
                                        {"generation", self.generation},
                                        {"instance", self.instance}};
    using Handler = nlohmann::ordered_json::error_handler_t;
    journal_.note(Wall::now(), "leader", "", who.dump(-1, ' ', false, Handler::replace));
}

void Ticker::attach(Poller::Parts& parts) {
    parts.ticked = [this](const TickReport& report) { ticked(report); };
    parts.muted = [this](const std::string& watch) { return muted(watch); };
    parts.paused = [this] { return journal_.paused(); };
}

void Ticker::ticked(const TickReport& report) {
    try {
        auto [place, fresh] = sources_.try_emplace(report.watch);
        if (fresh) place->second = since_of(journal_.last("tick", report.watch));
        const WallTime now = Wall::now();
        journal_.note(now, "tick", report.watch, tick_note(report, now, place->second));
        said_.clear();
    } catch (const StoreError& error) {
        if (said_ != error.what()) log::warn("a tick is not in the journal: {}", error.what());
        said_ = error.what();
    }
}

bool Ticker::muted(const std::string& watch) {
    try {
        return journal_.muted(watch, Wall::now());
    } catch (const StoreError&) {
        return false;  // rather told than not
    }
}

}  // namespace oneloop::worker
