#include "supervisor/inotify_decode.h"

#include <sys/inotify.h>

#include <cstring>

namespace oneloop {

InotifyBatch decode_inotify(std::span<const std::byte> bytes) {
    InotifyBatch batch;
    while (!bytes.empty()) {
        inotify_event header{};
        if (bytes.size() < sizeof header) {
            batch.malformed = true;
            return batch;
        }
        std::memcpy(&header, bytes.data(), sizeof header);  // the buffer need not be aligned
        bytes = bytes.subspan(sizeof header);
        if (bytes.size() < header.len) {
            batch.malformed = true;
            return batch;
        }
        std::string name(reinterpret_cast<const char*>(bytes.data()), header.len);
        name.resize(std::strlen(name.c_str()));  // the padding
        bytes = bytes.subspan(header.len);
        batch.events.push_back({header.wd, header.mask, header.cookie, std::move(name)});
    }
    return batch;
}

}  // namespace oneloop
