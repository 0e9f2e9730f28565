#include "supervisor/vcs_ignore.h"

#include <git2.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace oneloop {
namespace {

namespace fs = std::filesystem;

bool in_work_tree(fs::path directory) {
    for (;; directory = directory.parent_path()) {
        if (::access((directory / ".git").c_str(), F_OK) == 0) return true;
        if (directory == directory.parent_path()) return false;
    }
}

}  // namespace

std::unique_ptr<VcsIgnore> VcsIgnore::open(const std::string& directory) {
    std::error_code error;
    const fs::path real = fs::canonical(directory, error);
    if (error || !in_work_tree(real)) return nullptr;
    git_libgit2_init();  // counted; never shut down, as the process ends with it
    // Ignore rules are all that is read, so it does not matter whose the work tree is.
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    git_repository* repository = nullptr;
    if (git_repository_open_ext(&repository, real.c_str(), GIT_REPOSITORY_OPEN_CROSS_FS, nullptr)) {
        return nullptr;
    }
    std::unique_ptr<VcsIgnore> result(new VcsIgnore(repository));
    const char* const work_tree = git_repository_workdir(repository);
    if (!work_tree) return nullptr;  // a bare one
    const std::string prefix =
        real.lexically_relative(fs::path(work_tree).lexically_normal().parent_path()).string();
    if (prefix.starts_with("..")) return nullptr;
    if (prefix == ".") return result;
    if (result->ignores(prefix, true)) return nullptr;
    result->prefix_ = prefix + "/";
    return result;
}

VcsIgnore::~VcsIgnore() {
    git_repository_free(repository_);
}

std::vector<std::string> VcsIgnore::above() const {
    const std::string work_tree = git_repository_workdir(repository_);
    std::vector<std::string> result = {std::string(git_repository_commondir(repository_)) +
                                       "info/exclude"};
    for (std::size_t at = 0; at < prefix_.size(); at = prefix_.find('/', at) + 1)
        result.push_back(work_tree + prefix_.substr(0, at) + ".gitignore");
    return result;
}

bool VcsIgnore::ignores(const std::string& path, bool directory) const {
    int ignored = 0;
    const std::string whole = prefix_ + path + (directory ? "/" : "");
    return git_ignore_path_is_ignored(&ignored, repository_, whole.c_str()) == 0 && ignored != 0;
}

}  // namespace oneloop
