// Api: what is said to a request, joined from routes, gate, the status board and the state file.
//
// The words are api_json.h's, status.h's and metrics.h's. Not for sockets (http_server.h).
// Used by the HTTP thread alone; what it asks of the polling thread goes through Orders.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/api_json.h"
#include "worker/config.h"
#include "worker/gate.h"
#include "worker/herald.h"
#include "worker/http_site.h"
#include "worker/metrics.h"
#include "worker/orders.h"
#include "worker/status_board.h"
#include "worker/store_outbox.h"
#include "worker/store_reader.h"
#include "worker/zone.h"

namespace oneloop::worker {

class Api : public HttpSite {
  public:
    // All of it outlives this object.
    Api(const Config& config, std::string state, const StatusBoard& board, Orders& orders,
        const Herald& herald, GateRules rules);

    Said answer(const HttpAsk& ask, std::size_t streams) override;
    void dress(HttpAnswer& answer) const override;
    std::string stream_opening(StreamFrom& place) override;
    std::string stream_more(StreamFrom& place) override;
    std::int64_t newest() override;

  private:
    // Who asks for what, and what it may see.
    struct Call {
        const HttpAsk& ask;
        const Route& route;
        bool trusted = false;  // has shown the token
        std::size_t streams = 0;
    };

    Said dispatch(const Call& call);
    HttpAnswer home(const Call& call) const;
    HttpAnswer status_page();
    HttpAnswer leader(const Call& call);
    HttpAnswer watches();
    HttpAnswer watch(const Call& call);
    HttpAnswer items(const Call& call);
    HttpAnswer ticks(const Call& call);
    HttpAnswer events(const Call& call);
    HttpAnswer event(const Call& call);
    HttpAnswer deliveries(const Call& call);
    HttpAnswer channels() const;
    HttpAnswer metrics(std::size_t streams);
    Said stream(const Call& call);
    // api_change.cpp
    Said change(const Call& call);
    HttpAnswer settle(const Call& call, bool again);
    HttpAnswer poll_now(const Watch& watch);
    HttpAnswer mute(const Call& call, const Watch& watch);
    HttpAnswer pause(const Watch& watch, bool on);
    Said test(const Call& call);
    HttpAnswer check(const Call& call) const;

    // nullptr: nothing has been polled for here yet.
    StoreReader* store();
    const std::vector<WatchView>& views();
    [[nodiscard]] const Watch* watch_of(const std::string& id) const;
    [[nodiscard]] std::uint64_t epoch(std::optional<WallTime>* since);
    [[nodiscard]] std::chrono::seconds uptime() const;
    void count_journal();
    // What other processes were refused, as far as it can be read now.
    const Prevented& prevented_elsewhere();

    const Config& config_;
    const std::string state_;
    const StatusBoard& board_;
    Orders& orders_;
    const Herald& herald_;
    const GateRules rules_;
    const Zone zone_;
    const Stamp stamp_;
    const SteadyTime started_ = Steady::now();
    const WallTime started_wall_ = Wall::now();

    std::unique_ptr<StoreReader> store_;
    std::optional<SteadyTime> store_tried_;
    std::optional<OutboxStore> outbox_;
    std::vector<WatchView> views_;
    std::int64_t views_at_ = -1;  // newest() when they were read
    Tally tally_;
    std::int64_t counted_ = -1;  // the last journal row in tally_
    // The last /status: many poll it, and it changes once a tick.
    std::shared_ptr<const Snapshot> status_of_;
    std::chrono::seconds status_at_{-1};
    HttpAnswer status_;
};

}  // namespace oneloop::worker
