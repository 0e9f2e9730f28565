// read_directory: the entries of a directory, with what each one is. No order.
#pragma once

#include <functional>
#include <string>

namespace oneloop {

// Calls `use(descriptor of the directory, name, is a directory)` for each entry but "." and "..".
// Links are no directories. Returns an errno.
int read_directory(const std::string& path,
                   const std::function<void(int, const std::string&, bool)>& use);

}  // namespace oneloop
