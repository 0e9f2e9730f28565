// read_directory: the entries of a directory, with what each one is. No order.
#pragma once

#include <functional>
#include <string>

namespace oneloop {

enum class EntryKind {
    file,         // and whatever else is no directory
    linked_file,  // a link to one, or to nothing
    directory,
    link,  // to a directory
};
constexpr bool is_file(EntryKind what) {
    return what == EntryKind::file || what == EntryKind::linked_file;
}

// Calls `use(descriptor of the directory, name, what it is)` for each entry but "." and "..".
// Returns an errno.
int read_directory(const std::string& path,
                   const std::function<void(int, const std::string&, EntryKind)>& use);

}  // namespace oneloop
