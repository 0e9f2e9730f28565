// What the store's own files share. Private to store*.cpp, since it names SQLiteCpp.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "common/clock.h"
#include "worker/store_file.h"

namespace oneloop::worker {

inline std::int64_t to_ms(WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
inline WallTime from_ms(std::int64_t ms) {
    return WallTime(std::chrono::milliseconds(ms));
}
inline std::int64_t to_signed(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// Runs `work` and turns the library's exceptions into ours.
template <class Work>
auto guarded(const std::string& what, Work work) {
    try {
        return work();
    } catch (const SQLite::Exception& error) {
        const std::string said = what + ": " + error.what();
        switch (error.getErrorCode()) {
            case SQLITE_NOTADB:
            case SQLITE_CORRUPT:
                throw StoreDamaged(said);
            case SQLITE_FULL:
            case SQLITE_IOERR:
            case SQLITE_READONLY:
            case SQLITE_CANTOPEN:
                throw StoreUnwritable(said);
            default:
                throw StoreError(said);
        }
    }
}

}  // namespace oneloop::worker
