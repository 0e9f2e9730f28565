// StoreView: the state file for whoever looks from outside (`worker --state`, `--explain`).
//
// Reads only, over a connection of its own; a worker that runs is not held up. Not for the messages
// (store_outbox.h). One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/diff.h"
#include "worker/store_file.h"
#include "worker/store_outbox.h"

namespace oneloop::worker {

class StoreView {
  public:
    struct Watch {
        std::string id;
        std::uint64_t tick = 0;
        std::optional<WallTime> due, last_ok, paused;
        unsigned failures = 0;
        bool told = false;  // all that there was, once
        std::map<State, std::uint64_t> showtimes;
    };
    struct Showtime {
        std::string watch;
        Known known;
    };
    struct Event {
        std::string id, watch, kind, item;
        std::uint64_t transition = 0, tick = 0;
        WallTime at;
    };

    // See open_state. Throws StoreError, as everything below.
    explicit StoreView(const std::string& path);
    ~StoreView();
    StoreView(StoreView&&) = delete;
    StoreView& operator=(StoreView&&) = delete;

    [[nodiscard]] std::vector<Watch> watches();
    // Of every watch that knows it.
    [[nodiscard]] std::vector<Showtime> showtimes(const std::string& id);
    [[nodiscard]] std::vector<Event> events_of_item(const std::string& item);
    [[nodiscard]] std::vector<Event> events_of_message(std::int64_t message);
    [[nodiscard]] std::optional<Event> event(const std::string& id);
    // Keys of the messages that tell it.
    [[nodiscard]] std::vector<std::string> messages_of(const std::string& event);
    // Is it held back until quiet hours end? The channels.
    [[nodiscard]] std::vector<std::string> held_by(const std::string& event);
    [[nodiscard]] std::uint64_t bytes();
    [[nodiscard]] std::string schema();

  private:
    std::unique_ptr<SQLite::Database> db_;
};

}  // namespace oneloop::worker
