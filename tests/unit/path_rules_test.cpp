// path_rules: every default pattern with a name it must catch and a near miss it must not.
#include "supervisor/path_rules.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

namespace oneloop {
namespace {

struct Row {
    const char* hit;
    const char* miss;
};

// One row per pattern of path_rules.cpp, in its order.
constexpr Row directories[] = {
    {"__pycache__", "__pycache"},
    {"venv", "venvs"},
    {"node_modules", "node_module"},
    {"bower_components", "bower_component"},
    {"coverage", "coverages"},
    {"target", "targets"},
    {"build", "builder"},
    {"cmake-build-debug", "cmake-build"},
    {"build-release", "rebuild-release"},
    {"_darcs", "darcs"},
    {"oneloop.egg-info", "oneloop.egg"},
    {"htmlcov", "htmlcover"},
    {"app.dSYM", "app.dsym"},
    {"CMakeFiles", "cmakefiles"},
    {"bazel-out", "bazel"},
    {".git", "git"},
    {".venv", "my.venv"},
    {".idea", "idea"},
};

constexpr Row files[] = {
    {"app.pyc", "app.py"},
    {"app.pyo", "app.pyx"},
    {"app.pyd", "app.pyi"},
    {"app.py~", "~app.py"},
    {"#app.py#", "#app.py"},
    {".#app.py", ".app.py"},
    {".app.py.swp", ".app.py.swap"},
    {".app.swx", ".app.sw"},
    {".app.py.swpx", ".app.py.swpy"},
    {"app.swp", "app.wp"},
    {"app.swo", "app.so"},
    {"app.tmp", "app.tmpl"},
    {"4913", "4914"},
    {"___jb_tmp___", "__jb_tmp__"},
    {".DS_Store", "DS_Store"},
    {"flycheck_app.py", "flycheck.py"},
    {"app.log", "app.logo"},
    {"app.pid", "app.pidx"},
    {"app.sock", "app.socket"},
    {"app.db", "app.dbx"},
    {"app.db-journal", "app.db.journal"},
    {"app.db-wal", "app.db.wal"},
    {"app.db-shm", "app.db.shm"},
    {"app.sqlite3", "app.sqlite"},
    {"app.lock.tmp", "app.lock"},
    {"app.db.lock", "poetry.lock"},
    {"app.db.waiting", "app.waiting"},
    {".app.py.kate-swp", "app.py.kate"},
    {".goutputstream-X1", "goutputstream-X1"},
    {"app.sqlite3-wal", "app.sqlite3wal"},
};

TEST(PathRules, every_default_directory_and_its_near_miss) {
    const PathRules rules;
    for (const auto& [hit, miss] : directories) {
        for (const std::string above : {"", "src/", "a/b/c/"}) {
            EXPECT_TRUE(rules.ignores_directory(above + hit)) << above << hit;
            EXPECT_FALSE(rules.ignores_directory(above + miss)) << above << miss;
        }
    }
}

TEST(PathRules, every_default_file_and_its_near_miss) {
    const PathRules rules;
    for (const auto& [hit, miss] : files) {
        for (const std::string above : {"", "src/", "a/b/c/"}) {
            EXPECT_TRUE(rules.ignores_file(above + hit)) << above << hit;
            EXPECT_FALSE(rules.ignores_file(above + miss)) << above << miss;
        }
    }
}

// JetBrains' safe write appends: "app.py___jb_tmp___" and "app.py___jb_old___".
TEST(PathRules, bug_what_jetbrains_writes_beside_a_file) {
    const PathRules rules;
    EXPECT_TRUE(rules.ignores_file("app.py___jb_tmp___"));
    EXPECT_TRUE(rules.ignores_file("app.py___jb_old___"));
}

TEST(PathRules, the_last_part_decides) {
    const PathRules rules;
    EXPECT_FALSE(rules.ignores_directory("build/src"));
    EXPECT_FALSE(rules.ignores_directory(".config/app"));
    EXPECT_FALSE(rules.ignores_file("app.log/settings.py"));
    EXPECT_FALSE(rules.ignores_file("build"));
    EXPECT_FALSE(rules.ignores_file(".env")) << "a hidden file may well be a setting";
    EXPECT_FALSE(rules.ignores_directory("app.log"));
}

TEST(PathRules, case_counts) {
    const PathRules rules;
    EXPECT_FALSE(rules.ignores_directory("Build"));
    EXPECT_FALSE(rules.ignores_file("APP.LOG"));
}

TEST(PathRules, names_of_every_byte_are_judged) {
    const PathRules rules({"[a-c]*"});
    for (int byte = 1; byte < 256; ++byte) {
        if (byte == '/') continue;
        const std::string name(1, static_cast<char>(byte));
        EXPECT_EQ(rules.ignores_file(name), (byte >= 'a' && byte <= 'c') || byte == '~') << byte;
        EXPECT_EQ(rules.ignores_directory(name), (byte >= 'a' && byte <= 'c') || byte == '.')
            << byte;
    }
}

TEST(PathRules, a_glob_without_a_slash_is_matched_against_the_name) {
    const PathRules rules({"*.md", "data", "report-?.txt"});
    EXPECT_TRUE(rules.ignores_file("README.md"));
    EXPECT_TRUE(rules.ignores_file("docs/guide/README.md"));
    EXPECT_FALSE(rules.ignores_file("README.mdx"));
    EXPECT_TRUE(rules.ignores_directory("data"));
    EXPECT_TRUE(rules.ignores_directory("a/b/data"));
    EXPECT_FALSE(rules.ignores_directory("data/sub")) << "below it there is no watch anyway";
    EXPECT_FALSE(rules.ignores_directory("database"));
    EXPECT_TRUE(rules.ignores_file("x/report-1.txt"));
    EXPECT_FALSE(rules.ignores_file("x/report-10.txt"));
}

TEST(PathRules, a_glob_with_a_slash_is_matched_against_the_whole_path) {
    const PathRules rules({"docs/*.md", "a/*/c"});
    EXPECT_TRUE(rules.ignores_file("docs/guide.md"));
    EXPECT_FALSE(rules.ignores_file("guide.md"));
    EXPECT_FALSE(rules.ignores_file("src/docs/guide.md"));
    EXPECT_FALSE(rules.ignores_file("docs/deep/guide.md")) << "a star does not cross a slash";
    EXPECT_TRUE(rules.ignores_directory("a/b/c"));
    EXPECT_FALSE(rules.ignores_directory("a/b/b/c"));
    EXPECT_FALSE(rules.ignores_directory("a/c"));
}

TEST(PathRules, a_glob_means_what_fnmatch_says_however_simple_it_is) {
    const std::vector<std::string> globs = {"*",     "a",    "a*",    "*a",  "*a*", "a*b",     "?",
                                            "a?",    "[ab]", "[ab]*", "\\*", "\\a", "a\\*",    "**",
                                            "*[",    "x/*",  "x/*a",  "*/a", "x/a", "x/[ab]*", "x*",
                                            "*x/a*", "a*x",  "*.a",   ".*",  "*."};
    const std::vector<std::string> paths = {
        "a",   "b",   "ab",   "ba",   "aa",    "aba",    "*",      "a*",   "[",    "a[",
        "x/a", "x/b", "x/ab", "x/ba", "x/y/a", "ax/a",   "a/x",    "x/.a", "x/a.", "a.a",
        ".a",  "x",   "xa",   "\\a",  "x/*",   "x/y/ab", "x/y/ba", "a."};
    for (const auto& glob : globs) {
        const bool whole = glob.find('/') != std::string::npos;
        for (const auto& path : paths) {
            const std::string text = whole ? path : path.substr(path.rfind('/') + 1);
            const int flags = whole ? FNM_PATHNAME : 0;
            EXPECT_EQ(PathRules({glob}).ignores_file(path),
                      ::fnmatch(glob.c_str(), text.c_str(), flags) == 0)
                << glob << " and " << path;
        }
    }
}

TEST(PathRules, a_glob_applies_to_files_and_directories_alike) {
    const PathRules rules({"generated"});
    EXPECT_TRUE(rules.ignores_file("generated"));
    EXPECT_TRUE(rules.ignores_directory("generated"));
}

TEST(IgnorePattern, is_relative_to_what_is_watched) {
    EXPECT_EQ(ignore_pattern("gen.py", {"."}), "gen.py");
    EXPECT_EQ(ignore_pattern("app/gen.py", {"."}), "app/gen.py");
    EXPECT_EQ(ignore_pattern("app/gen.py", {"app"}), "gen.py");
    EXPECT_EQ(ignore_pattern("app/sub/gen.py", {"lib", "app/"}), "sub/gen.py");
    EXPECT_EQ(ignore_pattern("./app/sub/gen.py", {"./app"}), "sub/gen.py");
    EXPECT_EQ(ignore_pattern("/srv/app/sub/gen.py", {".", "/srv/app"}), "sub/gen.py");
    EXPECT_EQ(ignore_pattern("/srv/gen.py", {"/"}), "srv/gen.py");
    EXPECT_EQ(ignore_pattern("app/sub/gen.py", {"app/sub", "app"}), "sub/gen.py")
        << "the rules know the outer one";
}

TEST(IgnorePattern, there_is_none_for_what_was_named_itself) {
    EXPECT_EQ(ignore_pattern("gen.py", {".", "gen.py"}), std::nullopt);
    EXPECT_EQ(ignore_pattern("/elsewhere/gen.py", {"."}), std::nullopt);
    EXPECT_EQ(ignore_pattern("application/gen.py", {"app"}), std::nullopt);
    EXPECT_EQ(ignore_pattern("app", {"app"}), std::nullopt);
}

// Whatever a file is called: the pattern ignores it, and no neighbour.
TEST(IgnorePattern, matches_the_file_and_only_the_file) {
    for (const std::string name :
         {"gen.py",      "a b.py",         "*.py",     "?.py",    "[ab].py", "a]b",
          "[!a]",        "back\\slash.py", "\\",       "a\\",     "-x.py",   "--ignore",
          "it's.py",     "\"q\".py",       "$HOME.py", "#x.py",   "!x.py",   "caf\xc3\xa9.py",
          "\xff\xfe.py", "line\nbreak.py", "tab\t.py", "{a,b}.py"}) {
        for (const std::string& path : {name, "sub/" + name, "[x]*/" + name}) {
            const auto pattern = ignore_pattern(path, {"."});
            ASSERT_TRUE(pattern.has_value()) << path;
            const PathRules rules({*pattern});
            EXPECT_TRUE(rules.ignores_file(path)) << path << " by " << *pattern;
            EXPECT_FALSE(rules.ignores_file(path + "x")) << path;
            EXPECT_FALSE(rules.ignores_file("x" + path)) << path;
            EXPECT_EQ(pattern->find('\n'), std::string::npos);
            EXPECT_FALSE(pattern->starts_with('-') || pattern->starts_with('[')) << *pattern;
        }
    }
    EXPECT_FALSE(PathRules({*ignore_pattern("*.py", {"."})}).ignores_file("a.py"));
    EXPECT_FALSE(PathRules({*ignore_pattern("[ab].py", {"."})}).ignores_file("a.py"));
}

TEST(PathRules, a_broken_glob_is_a_name) {
    const PathRules rules({"[abc", ""});
    EXPECT_TRUE(rules.ignores_file("[abc"));
    EXPECT_FALSE(rules.ignores_file("a"));
}

std::string why(const PathRules& rules, const std::string& path) {
    return rules.why_file(path).value_or("");
}

TEST(PathRules, names_the_rule) {
    RuleSet set;
    set.ignore = {"*.txt"};
    set.lines = parse_ignore_lines("*.md\n!readme.md\n", "my.ignore");
    const PathRules rules(set);
    EXPECT_EQ(why(rules, "a/b.txt"), "--ignore *.txt");
    EXPECT_EQ(why(rules, "a/b.md"), "my.ignore: *.md");
    EXPECT_EQ(why(rules, "a/readme.md"), "");
    EXPECT_EQ(why(rules, "a/b.log"), "default *.log");
    EXPECT_EQ(why(rules, "a/b.py"), "");
    EXPECT_EQ(rules.why_directory("node_modules"), "default node_modules/");
    EXPECT_EQ(rules.why_directory(".cache"), "default .*/");
    EXPECT_EQ(rules.why_directory("app"), std::nullopt);
}

TEST(PathRules, without_the_defaults_only_version_control_stays_out) {
    RuleSet set;
    set.defaults = false;
    const PathRules rules(set);
    for (const char* name : {".git", ".hg", ".svn", ".jj", ".pijul", "_darcs"})
        EXPECT_TRUE(rules.ignores_directory(name)) << name;
    for (const char* name : {"build", "node_modules", ".venv"})
        EXPECT_FALSE(rules.ignores_directory(name)) << name;
    EXPECT_FALSE(rules.ignores_file("app.log"));
}

TEST(PathRules, extensions_and_filters_each_let_a_file_in) {
    RuleSet set;
    set.exts = parse_extensions("py,.tar.gz");
    set.filter = {"Makefile", "docs/*.md"};
    const PathRules rules(set);
    for (const char* hit : {"a.py", "x/a.py", "a.tar.gz", "Makefile", "x/Makefile", "docs/a.md"})
        EXPECT_EQ(why(rules, hit), "") << hit;
    for (const char* miss : {"a.pyx", "apy", ".py", "a.gz", "makefile", "a.md", "x/docs/a.md"})
        EXPECT_EQ(why(rules, miss), "not in --exts or --filter") << miss;
    EXPECT_EQ(why(rules, "docs/x.pyc"), "default *.py[cod]");
    EXPECT_FALSE(rules.ignores_directory("x")) << "a filter is for files";
}

TEST(PathRules, a_list_of_extensions_with_nothing_in_it_is_none) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(parse_extensions("py"), Words{"py"});
    EXPECT_EQ(parse_extensions("py,.html"), (Words{"py", "html"}));
    for (const char* wrong : {"", ",", "py,", ",py", ".", "py,,c", "a/b"})
        EXPECT_EQ(parse_extensions(wrong), Words{}) << wrong;
}

TEST(PathRules, the_lines_of_an_ignore_file) {
    const auto lines = parse_ignore_lines(
        "# a comment\n\n  \n*.o\r\n!keep.o  \n\\#file\n\\!file\n!\n/top\ndir/", "f");
    const std::vector<IgnoreLine> expected = {{"*.o", false, "f"},   {"keep.o", true, "f"},
                                              {"#file", false, "f"}, {"!file", false, "f"},
                                              {"/top", false, "f"},  {"dir/", false, "f"}};
    EXPECT_EQ(lines, expected);
    EXPECT_TRUE(parse_ignore_lines("", "f").empty());
}

TEST(PathRules, of_the_lines_the_last_that_matches_decides_and_beats_the_defaults) {
    RuleSet set;
    set.lines = parse_ignore_lines("*.o\n!keep.o\n/gen/keep.o\n!*.log\n/top\n", "f");
    const PathRules rules(set);
    EXPECT_EQ(why(rules, "a.o"), "f: *.o");
    EXPECT_EQ(why(rules, "x/keep.o"), "");
    EXPECT_EQ(why(rules, "gen/keep.o"), "f: /gen/keep.o");
    EXPECT_EQ(why(rules, "a.log"), "") << "a default";
    EXPECT_EQ(why(rules, "top"), "f: /top");
    EXPECT_EQ(why(rules, "x/top"), "") << "from the root only";
}

}  // namespace
}  // namespace oneloop
