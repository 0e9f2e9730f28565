#include "worker/store_rows.h"

namespace oneloop::worker {

StoredMessage message_from(SQLite::Statement& row) {
    StoredMessage message;
    message.id = row.getColumn(0).getInt64();
    message.key = row.getColumn(1).getString();
    message.channel = row.getColumn(2).getString();
    message.recipient = row.getColumn(3).getString();
    message.watch = row.getColumn(4).getString();
    message.subject = row.getColumn(5).getString();
    message.life.phase = phase_from(row.getColumn(6).getString());
    message.life.attempts = row.getColumn(7).getUInt();
    message.life.created = from_ms(row.getColumn(8).getInt64());
    if (!row.getColumn(9).isNull()) message.life.next = from_ms(row.getColumn(9).getInt64());
    message.life.doubtful = row.getColumn(10).getUInt();
    message.life.reply = row.getColumn(11).getString();
    message.changed = from_ms(row.getColumn(12).getInt64());
    return message;
}

Ledger items_of(SQLite::Database& db, const std::string& watch,
                const std::function<void(const std::string& id)>& unreadable) {
    Ledger ledger;
    SQLite::Statement row(db,
                          "SELECT key, fields, raw, state, transition, first_seen, last_seen, "
                          "waiting "
                          "FROM item WHERE watch = ?");
    row.bind(1, watch);
    while (row.executeStep()) {
        const std::string key = row.getColumn(0).getString();
        auto item = from_ledger(key, row.getColumn(1).getString());
        if (!item) {
            unreadable(key);
            continue;
        }
        item->raw = row.getColumn(2).getString();
        ledger.emplace(key, Known{std::move(*item), state_from(row.getColumn(3).getString()),
                                  static_cast<std::uint64_t>(row.getColumn(4).getInt64()),
                                  row.getColumn(5).getInt64(), row.getColumn(6).getInt64(),
                                  row.getColumn(7).getUInt()});
    }
    return ledger;
}

}  // namespace oneloop::worker
