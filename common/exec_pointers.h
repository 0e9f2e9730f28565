// What execve(2) wants of a list of texts.
#pragma once

#include <string>
#include <vector>

namespace oneloop {

// One pointer a text and a null one at the end; good as long as `texts` is not changed.
inline std::vector<char*> exec_pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const std::string& text : texts)
        // execve(2) takes them without const for the sake of old programs, and writes nothing.
        result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

}  // namespace oneloop
