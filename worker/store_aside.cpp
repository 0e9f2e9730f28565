// Store: a state file that can't be read, and how large one is.
#include <filesystem>

#include "worker/store.h"
#include "worker/store_sql.h"

namespace oneloop::worker {

using SQLite::Statement;

Store Store::open_or_begin(const std::string& path, std::uint64_t most_bytes, WallTime now) {
    std::string why;
    try {
        return Store(path, most_bytes);
    } catch (const StoreDamaged& error) {
        why = error.what();
    }
    const std::string when = std::to_string(to_ms(now) / 1000);
    const std::string name = oneloop::worker::set_aside(path, when);
    Store store(path, most_bytes);
    guarded(path, [&] {
        SQLite::Transaction all(*store.db_, SQLite::TransactionBehavior::IMMEDIATE);
        Statement put(*store.db_, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
        const std::pair<const char*, std::string> facts[] = {
            {"set_aside", name},
            {"set_aside_why", why},
            {"set_aside_ms", std::to_string(to_ms(now))}};
        for (const auto& [key, value] : facts) {
            put.bind(1, key);
            put.bind(2, value);
            put.exec();
            put.reset();
        }
        all.commit();
        return true;
    });
    return store;
}

std::optional<Store::SetAside> Store::set_aside_file() {
    return guarded("the state file", [&]() -> std::optional<SetAside> {
        const auto value = [&](const char* key) -> std::string {
            Statement row(*db_, "SELECT value FROM meta WHERE key = ?");
            row.bind(1, key);
            return row.executeStep() ? row.getColumn(0).getString() : "";
        };
        SetAside aside{value("set_aside"), value("set_aside_why"), {}};
        if (aside.name.empty()) return std::nullopt;
        aside.at = from_ms(std::strtoll(value("set_aside_ms").c_str(), nullptr, 10));
        return aside;
    });
}

std::uint64_t Store::bytes() {
    return guarded("the state file", [&] {
        const auto pages = db_->execAndGet("PRAGMA page_count").getInt64();
        const auto page = db_->execAndGet("PRAGMA page_size").getInt64();
        return static_cast<std::uint64_t>(pages * page);
    });
}

}  // namespace oneloop::worker
