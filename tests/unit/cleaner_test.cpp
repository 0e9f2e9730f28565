// cleaner: which directories go, and that nobody who starts at the same moment is the second.
#include "supervisor/cleaner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/flag.h"
#include "supervisor/instance.h"
#include "tests/unit/in_child.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

class Cleaner : public testing::Test {
  protected:
    // An instance as a supervisor that has ended leaves it, of a working directory that is gone.
    std::string dead(const std::string& name = "dead") {
        const std::string directory = dir / name;
        EXPECT_TRUE(open_instance(directory, {"x"}).has_value());
        EXPECT_TRUE(LockFile::open(directory + "/" + flag::worker_lock_name).has_value());
        test::write_file(directory + "/" + instance_cwd_name, dir / "nowhere");
        return directory;
    }
    static std::vector<Cleaned> clean(const std::string& directory, WallTime now = Wall::now()) {
        return clean_instances({directory}, now);
    }
    static std::string reason(const std::vector<Cleaned>& cleaned) {
        return cleaned.size() == 1 ? cleaned[0].reason : "not listed";
    }

    test::TempDir dir;
};

TEST_F(Cleaner, a_directory_whose_project_is_gone_goes) {
    const std::string directory = dead();
    const auto cleaned = clean(directory);
    ASSERT_EQ(cleaned.size(), 1U);
    EXPECT_TRUE(cleaned[0].removed);
    EXPECT_EQ(cleaned[0].directory, directory);
    EXPECT_EQ(cleaned[0].reason, dir / "nowhere" + " no longer exists");
    EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST_F(Cleaner, a_directory_that_is_of_use_is_not_even_listed) {
    const std::string directory = dead();
    test::write_file(directory + "/" + instance_cwd_name, dir.path());
    EXPECT_TRUE(clean(directory).empty());
    EXPECT_TRUE(clean(directory, Wall::now() + std::chrono::hours(24 * 30 - 1)).empty());
    EXPECT_TRUE(fs::exists(directory));
    EXPECT_EQ(reason(clean(directory, Wall::now() + std::chrono::hours(24 * 30 + 1))),
              "not used for 30 days");
    EXPECT_FALSE(fs::exists(directory));
}

TEST_F(Cleaner, one_without_a_known_project_goes_by_its_age) {
    const std::string directory = dead();
    fs::remove(directory + "/" + instance_cwd_name);
    EXPECT_TRUE(clean(directory).empty());
    EXPECT_TRUE(clean(directory, Wall::now() + std::chrono::hours(24 * 31))[0].removed);
}

TEST_F(Cleaner, a_project_that_cannot_be_looked_at_may_be_there) {
    const std::string directory = dead();
    test::write_file(dir / "file", "");
    test::write_file(directory + "/" + instance_cwd_name, dir / "file/below");  // ENOTDIR
    EXPECT_TRUE(clean(directory).empty());
}

TEST_F(Cleaner, each_held_lock_keeps_it) {
    for (const char* name : {flag::supervisor_lock_name, flag::worker_lock_name}) {
        const std::string directory = dead();
        auto lock = LockFile::open(directory + "/" + name);
        ASSERT_TRUE(lock && lock->try_lock().value());
        ASSERT_TRUE(lock->write({4711, 9, 0, "i", "c"}));
        EXPECT_EQ(test::in_child([&] { return reason(clean(directory)); }), "in use by pid 4711")
            << name;
        EXPECT_TRUE(lock->is_current()) << name;
        EXPECT_EQ(lock->read().generation, 9U) << "untouched";
    }
}

TEST_F(Cleaner, a_directory_with_other_files_is_the_users) {
    const std::string directory = dead();
    test::write_file(directory + "/notes.txt", "");
    EXPECT_EQ(reason(clean(directory)), "has a file that is not ours: notes.txt");
    EXPECT_TRUE(fs::exists(directory + "/" + instance_cwd_name));
}

TEST_F(Cleaner, what_a_killed_clean_left_is_finished) {
    const std::string directory = dead("project-1.cleaning-4711");
    test::write_file(directory + "/" + instance_cwd_name, dir.path());
    EXPECT_EQ(reason(clean(directory)), "left over by an earlier clean");
    EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST_F(Cleaner, the_name_of_a_parent_means_nothing) {
    fs::create_directory(dir / "x.cleaning-1");
    const std::string directory = dead("x.cleaning-1/project");
    test::write_file(directory + "/" + instance_cwd_name, dir.path());
    EXPECT_TRUE(clean(directory).empty());
    test::write_file(directory + "/" + instance_cwd_name, dir / "nowhere");
    EXPECT_TRUE(clean(directory)[0].removed);
    EXPECT_TRUE(fs::is_empty(dir / "x.cleaning-1"));
}

// A supervisor that starts at the same moment has opened its lock file, and comes to lock it when
// the directory is gone already: what it locks is a ghost, and it has to notice.
TEST_F(Cleaner, who_has_opened_the_lock_before_and_locks_it_after_is_not_let_in) {
    const std::string directory = dead();
    auto late = LockFile::open(directory + "/" + flag::supervisor_lock_name);
    auto late_worker = LockFile::open(directory + "/" + flag::worker_lock_name);
    ASSERT_TRUE(late && late_worker);
    ASSERT_TRUE(clean(directory)[0].removed);
    for (LockFile* lock : {&*late, &*late_worker}) {
        const auto held = lock->try_lock();
        ASSERT_FALSE(held.has_value());
        EXPECT_EQ(held.error().code, ESTALE);
    }
    // Also when a third one has made the directory anew in between.
    const auto third = open_instance(directory, {"x"});
    ASSERT_TRUE(third.has_value());
    const auto held = late->try_lock();
    ASSERT_FALSE(held.has_value());
    EXPECT_EQ(held.error().code, ESTALE);
    EXPECT_TRUE(third->lock.is_current());
}

// Starts and cleans as fast as they can: whoever is let in has the lock that the path names, alone.
TEST_F(Cleaner, starts_beside_a_cleaner_are_never_two) {
    const std::string directory = dir / "contested";
    const std::string inside = dir / "inside";
    const std::string over = dir / "over";
    const auto start = [&] {
        for (int held = 0; held < 300;) {
            const auto instance = open_instance(directory, {"x"});
            if (!instance) continue;
            // Whoever comes next may clean it.
            test::write_file(directory + "/" + instance_cwd_name, dir / "nowhere");
            // O_EXCL: a second one at this moment would find it.
            const UniqueFd mine(::open(inside.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            if (!mine || !instance->lock.is_current()) return std::string("two at once");
            fs::remove(inside);
            ++held;
        }
        return std::string("alone each time");
    };
    test::Child cleaner([&] {
        int removed = 0;
        while (!fs::exists(over)) {
            for (const auto& cleaned : clean(directory))
                removed += cleaned.removed ? 1 : 0;
        }
        return std::to_string(removed);
    });
    test::Child one(start);
    test::Child two(start);
    EXPECT_EQ(one.text(), "alone each time");
    EXPECT_EQ(two.text(), "alone each time");
    test::write_file(over, "");
    EXPECT_GT(std::atoi(cleaner.text().c_str()), 0) << "it had something to do";
}

// What a cleaner that does not take the locks would do.
TEST_F(Cleaner, control_a_lock_file_that_is_removed_while_held_lets_a_second_one_in) {
    const std::string directory = dir / "control";
    const auto first = open_instance(directory, {"x"});
    ASSERT_TRUE(first.has_value());
    fs::remove(first->lock.path());
    EXPECT_EQ(test::in_child([&] {
                  return std::string(open_instance(directory, {"x"}) ? "let in" : "kept out");
              }),
              "let in");
    EXPECT_FALSE(first->lock.is_current()) << "and this is how the first one can notice";
}

}  // namespace
}  // namespace oneloop
