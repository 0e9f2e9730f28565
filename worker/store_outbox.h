// OutboxStore: the messages in the state file, for whoever delivers them or looks at them.
//
// A connection of its own to the same file as Store: no transaction here is open longer than one
// write to the disk takes, and so a mail server that hangs holds up no poll. Every change is a
// compare-and-swap: two deliverers, or a person's `--resend` in between, never both win.
// Not for deciding what becomes of a message (outbox.h). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/outbox.h"
#include "worker/records.h"
#include "worker/store_file.h"

namespace oneloop::worker {

// Whose messages: those of the channels in `list`, or of all others.
struct Share {
    std::vector<std::string> list;
    bool others = true;
};

class OutboxStore {
  public:
    // See open_state. Throws StoreError, as everything below.
    explicit OutboxStore(const std::string& path);
    ~OutboxStore();
    OutboxStore(OutboxStore&&) noexcept;
    OutboxStore& operator=(OutboxStore&&) = delete;

    // Without payloads, oldest first, at most `most`.
    [[nodiscard]] std::vector<StoredMessage> list(const std::vector<Phase>& phases,
                                                  std::size_t most = 1000);
    // What has a next try planned, or is armed; without payloads, in order.
    [[nodiscard]] std::vector<StoredMessage> open_messages(const Share& share = {},
                                                           std::size_t most = 10'000);
    [[nodiscard]] std::optional<StoredMessage> find(const std::string& key);
    [[nodiscard]] std::string payload(std::int64_t id);

    // False: it is no longer as in `before`, and nothing was written. Durable when it returns.
    [[nodiscard]] bool save(std::int64_t id, const Delivery& before, const Delivery& after,
                            WallTime now);

    [[nodiscard]] OutboxCounts counts();
    // Grows with every change that another connection made (PRAGMA data_version).
    [[nodiscard]] int version();
    // Of what is over: payloads after a week, the rest after ninety days, with their events. When
    // the file is three quarters full: payloads at once, the rest after a week. Of more than
    // `most_events` events the oldest.
    void forget_old(WallTime now, const StoreLimits& limits = {});

  private:
    std::unique_ptr<SQLite::Database> db_;
};

}  // namespace oneloop::worker
