// store_rows: a row of the state file as a value, for all of its readers. Private to store*.cpp.
#pragma once

#include <functional>
#include <string>

#include "worker/diff.h"
#include "worker/records.h"
#include "worker/store_sql.h"

namespace oneloop::worker {

// Of the table `message`, in the order of message_from().
inline constexpr const char* message_columns =
    "id, key, channel, recipient, watch, subject, phase, attempts, created_ms, next_ms, doubtful, "
    "reply, changed_ms";
StoredMessage message_from(SQLite::Statement& row);

// `unreadable`: is told the id of a showtime that is left out.
Ledger items_of(SQLite::Database& db, const std::string& watch,
                const std::function<void(const std::string& id)>& unreadable);

}  // namespace oneloop::worker
