// What quiet hours hold back (bulletin.h): written with the tick that found it, and replaced by one
// digest for each recipient in one transaction.
#include "worker/store.h"
#include "worker/store_sql.h"

namespace oneloop::worker {

using SQLite::Statement;

std::vector<std::string> Store::holding() {
    return guarded("what is held", [&] {
        std::vector<std::string> channels;
        Statement row(*db_, "SELECT DISTINCT channel FROM held ORDER BY channel");
        while (row.executeStep())
            channels.push_back(row.getColumn(0).getString());
        return channels;
    });
}

std::vector<HeldNews> Store::held_for(const std::string& channel) {
    return guarded("what is held for " + channel, [&] {
        std::vector<HeldNews> result;
        Statement row(*db_,
                      "SELECT number, id, watch, note, kind, item, fields, at_ms FROM held "
                      "WHERE channel = ? ORDER BY number");
        row.bind(1, channel);
        while (row.executeStep()) {
            HeldNews news;
            news.channel = channel;
            news.number = row.getColumn(0).getInt64();
            news.id = row.getColumn(1).getString();
            news.watch = row.getColumn(2).getString();
            news.note = row.getColumn(3).getString();
            news.at = from_ms(row.getColumn(7).getInt64());
            const auto kind = event_kind_from(row.getColumn(4).getString());
            auto item = from_ledger(row.getColumn(5).getString(), row.getColumn(6).getString());
            if (news.note.empty() && (!kind || !item))
                throw StoreError("what is held for " + channel + ": not readable");
            if (news.note.empty()) news.event = {*kind, std::move(*item), 0};
            result.push_back(std::move(news));
        }
        return result;
    });
}

void Store::write_held(const std::vector<HeldNews>& news, WallTime now) {
    Statement put(
        *db_,
        "INSERT OR IGNORE INTO held (channel, id, watch, note, kind, item, fields, at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (const HeldNews& one : news) {
        const bool event = one.note.empty();
        put.bind(1, one.channel);
        put.bind(2, one.id);
        put.bind(3, one.watch);
        put.bind(4, one.note);
        put.bind(5, std::string(event ? name_of(one.event.kind) : ""));
        put.bind(6, one.event.item.id);
        put.bind(7, event ? to_ledger(one.event.item) : "");
        put.bind(8, to_ms(now));
        put.exec();
        put.reset();
    }
}

void Store::release(const std::string& channel, std::int64_t last,
                    const std::vector<NewMessage>& messages, std::uint64_t dropped, WallTime now) {
    guarded("telling what was held for " + channel, [&] {
        SQLite::Transaction all(*db_, SQLite::TransactionBehavior::IMMEDIATE);
        write_messages("", messages, now);
        if (dropped > 0) count_untold(channel, dropped);
        Statement gone(*db_, "DELETE FROM held WHERE channel = ? AND number <= ?");
        gone.bind(1, channel);
        gone.bind(2, last);
        gone.exec();
        all.commit();
        return true;
    });
}

}  // namespace oneloop::worker
