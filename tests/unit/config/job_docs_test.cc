// docs/jobs-yaml.md and docs/jobs.schema.json say what the reader does: the same keys at the same places, and a file
// of the wrong shape is refused by reader and schema alike.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "io/config/job_keys.h"
#include "io/config/job_reader.h"
#include "io/config/read_file.h"
#include "io/yaml/yaml_tree.h"

namespace cromt {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

fs::path Source() {
  return std::getenv("CROMT_SOURCE");
}

std::string Contents(const fs::path& path) {
  auto text = ReadFile(path.string(), 1 << 20);
  EXPECT_TRUE(text) << path;
  return text.value_or("");
}

// ---- Text to JSON, as an editor sees it ---------------------------------------------------------

// A scalar by the core schema of YAML 1.2. Quotes are not known here; no key cares for the difference.
Json Scalar(std::string_view text) {
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  Json number = Json::parse(text, nullptr, false);
  return number.is_number() ? number : Json(text);
}

Json ToJson(YamlNode node) {
  Json out;
  switch (node.kind()) {
    case YamlKind::kNull: break;
    case YamlKind::kText: return Scalar(node.text());
    case YamlKind::kList:
      out = Json::array();
      for (YamlNode item = node.first(); item; item = item.next()) out.push_back(ToJson(item));
      break;
    case YamlKind::kMap:
      out = Json::object();
      for (YamlNode key = node.first(); key; key = key.next().next()) out[std::string(key.text())] = ToJson(key.next());
      break;
  }
  return out;
}

class JobDocs : public ::testing::Test {
 protected:
  JobDocs() : json_(Json::parse(Contents(Source() / "docs/jobs.schema.json"))) {
    valijson::adapters::NlohmannJsonAdapter adapter(json_);
    valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(adapter, schema_);
  }

  // Empty if the schema accepts `text`, else what it says.
  std::string SchemaSays(const std::string& text) {
    Diagnostics diagnostics("f");
    auto tree = YamlTree::Read(text, diagnostics);
    if (!tree) return "not YAML: " + ErrorText(diagnostics.Take());
    Json document = ToJson(tree->root());
    valijson::ValidationResults results;
    if (valijson::Validator().validate(schema_, valijson::adapters::NlohmannJsonAdapter(document), &results)) return "";
    std::string said = "refused";
    for (valijson::ValidationResults::Error error; results.popError(error);) said += "\n" + error.description;
    return said;
  }

  const Json& PropertiesOf(JobLevel level) const {
    switch (level) {
      case kTop: return json_["properties"];
      case kInProject: return json_["definitions"]["project"]["properties"];
      case kInDependency: return json_["definitions"]["dependency"]["properties"];
      case kInHost: break;
    }
    return json_["definitions"]["host"]["properties"];
  }

  Json json_;
  valijson::Schema schema_;
};

constexpr JobLevel kLevels[] = {kTop, kInProject, kInDependency, kInHost};

// ---- The same keys everywhere -------------------------------------------------------------------

TEST_F(JobDocs, TheSchemaHasEachKeyWhereItMayStand) {
  for (JobLevel level : kLevels) {
    const Json& properties = PropertiesOf(level);
    std::set<std::string> expected;
    for (const JobKey& key : JobKeys()) {
      if (!((key.levels | key.ignored) & level)) continue;
      std::string name(key.name);
      expected.insert(name);
      ASSERT_TRUE(properties.contains(name)) << name << " in " << Describe(level);
      bool is_ignored = properties[name].value("$ref", "") == "#/definitions/ignored";
      EXPECT_EQ(is_ignored, (key.ignored & level) != 0) << name << " in " << Describe(level);
      EXPECT_TRUE(is_ignored || properties[name].contains("description")) << name;
    }
    for (const auto& [name, value] : properties.items())
      EXPECT_TRUE(expected.contains(name)) << "the reader does not know " << name << " in " << Describe(level);
  }
}

std::string Where(const JobKey& key) {
  constexpr const char* kWords[] = {"file", "project", "entry", "host"};
  std::string where;
  for (size_t i = 0; i < std::size(kLevels); ++i)
    if (key.levels & kLevels[i]) where += (where.empty() ? "" : ", ") + std::string(kWords[i]);
  return where;
}

// The page as it should be: with `where` and `acts` of each key's row from the table. Names of the rows are added, and
// the lines that had to be changed.
std::string Corrected(const std::string& page, std::set<std::string>& names, std::string& wrong) {
  std::istringstream lines(page);
  std::string out;
  for (std::string line; std::getline(lines, line); out += line + "\n") {
    size_t end = line.find("` | ");
    if (!line.starts_with("| `") || end == line.npos) continue;
    std::string name = line.substr(3, end - 3);
    const JobKey* key = FindJobKey(name);
    size_t where = end + 4, meaning = line.find(" | ", where), acts = line.rfind("| ", line.size() - 2);
    if (!key || meaning == line.npos) continue;
    names.insert(name);
    std::string old = line;
    line = old.substr(0, where) + Where(*key) + old.substr(meaning, acts - meaning) + "| " +
           (key->built ? "yes |" : "later |");
    if (line != old) wrong += old + "\n";
  }
  return out;
}

// CROMT_WRITE_DOCS=1 writes the page's columns anew after the table of keys has changed.
TEST_F(JobDocs, ThePageHasARowForEachKey) {
  fs::path path = Source() / "docs/jobs-yaml.md";
  std::string page = Contents(path);
  std::set<std::string> names;
  std::string wrong;
  std::string corrected = Corrected(page, names, wrong);
  for (const JobKey& key : JobKeys()) EXPECT_TRUE(names.contains(std::string(key.name))) << key.name << " has no row";
  EXPECT_EQ(names.size(), JobKeys().size());
  if (std::getenv("CROMT_WRITE_DOCS")) {
    std::ofstream(path) << corrected;
    wrong.clear();
  }
  EXPECT_EQ(wrong, "") << "run this test with CROMT_WRITE_DOCS=1";
}

TEST_F(JobDocs, ThePageNamesNoKeyThatTheReaderLacks) {
  std::istringstream lines(Contents(Source() / "docs/jobs-yaml.md"));
  bool in_table = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) in_table = false;
    if (line.starts_with("| key |")) in_table = true;
    if (!in_table || !line.starts_with("| `")) continue;
    std::string name = line.substr(3, line.find('`', 3) - 3);
    EXPECT_NE(FindJobKey(name), nullptr) << name;
  }
}

// ---- The same files -----------------------------------------------------------------------------

TEST_F(JobDocs, BothAcceptEveryExample) {
  int files = 0;
  for (const char* folder : {"examples", "tests/data/cromtit", "tests/fuzz/corpus/jobs"}) {
    for (const auto& entry : fs::recursive_directory_iterator(Source() / folder)) {
      if (entry.path().extension() != ".yaml") continue;
      std::string text = Contents(entry.path());
      bool is_read = ReadJobFile(text, "f").file.has_value();
      bool must_be_read = std::string_view(folder) != "tests/fuzz/corpus/jobs";
      EXPECT_TRUE(is_read || !must_be_read) << entry.path();
      EXPECT_EQ(is_read ? SchemaSays(text) : "", "") << entry.path();
      ++files;
    }
  }
  EXPECT_GE(files, 15);
}

// The examples of the page: indented blocks that begin with `projects:`.
TEST_F(JobDocs, BothAcceptTheExamplesOfThePage) {
  std::istringstream lines(Contents(Source() / "docs/jobs-yaml.md"));
  std::string block;
  int blocks = 0;
  for (std::string line; std::getline(lines, line);) {
    bool is_code = line.starts_with("    ");
    if (is_code && (!block.empty() || line == "    projects:")) block += line.substr(4) + "\n";
    if (is_code || block.empty()) continue;
    ++blocks;
    auto reading = ReadJobFile(block, "example");
    EXPECT_TRUE(reading.file) << block << ErrorText(reading.diagnostics);
    EXPECT_EQ(SchemaSays(block), "") << block;
    block.clear();
  }
  EXPECT_GE(blocks, 3);
}

TEST_F(JobDocs, BothAcceptWhatIsUnusualButGood) {
  for (const char* text :
       {"projects:", "projects: {}", "projects: {p: {run: x, hosts: , vars: , title: '', timeout: }}",
        "name: f\nx-a: {b: c}\nprojects: {p: {path: ~/p, x-b: 1, hosts: [{x-c: d, id: 7}]}}",
        "projects: {p: {run: x, vars: {A: 1.10, B: true, C: ~}, timeout: 5, trigger: on}}",
        "projects: {p: {run: x, queue-id: {name: q, scope: agent}, retries: '3'}}",
        "projects: {p: {path: 'git@h:x', branch: main, hosts: [{path: /ignored, crontab: [x]}]}}",
        "projects: {p: {path: http://h/x, pool: {labels: {os: debian}, count: all}}}",
        "projects: {p: {run: x, artifacts: {in: [a, {file: b, hosts: all}], out: }}}",
        "projects: {p: {run: x, crontab: 0 8 13 * mon-fri, max_failures: 10%, log_limit: 1GiB}}",
        "projects: {p: {run: x, crontab: ' @daily ', timezone: America/Argentina/Buenos_Aires}}",
        "projects: {p: {run: x, crontab: '0 0 *,!1 * sat-sun', timezone: Etc/GMT+1}, q: {run: x, timezone: }}",
        "projects: {p: {run: x, on_unreachable: wait 5m, on_lost: retry, sandbox: off}}"}) {
    auto reading = ReadJobFile(text, "f");
    EXPECT_TRUE(reading.file) << text << "\n" << ErrorText(reading.diagnostics);
    EXPECT_EQ(SchemaSays(text), "") << text;
  }
}

TEST_F(JobDocs, BothRefuseTheWrongShape) {
  for (const char* text : {
           "name: x",
           "- a",
           "projects: [a]",
           "projects: {a/b: {run: x}}",
           "projects: {p: text}",
           "projects: {p: {}}",
           "projects: {p: {action: x}}",
           "projects: {p: {run: x, action: y}}",
           "projects: {p: {run: {x: y}}}",
           "projects: {p: {run: x, hots: []}}",
           "projects: {p: {run: x, name: q}}",
           "projects: {p: {path: relative/folder}}",
           "projects: {p: {path: --upload-pack=x}}",
           "projects: {p: {path: /p, action: a --help}}",
           "projects: {p: {path: /p, action: ../x}}",
           "projects: {p: {run: x, hosts: {url: 'http://h'}}}",
           "projects: {p: {run: x, hosts: [http://h]}}",
           "projects: {p: {run: x, hosts: [{run: x}]}}",
           "projects: {p: {run: x, hosts: [{url: 'ftp://h'}]}}",
           "projects: {p: {run: x, hosts: [{url: 'http://u@h'}]}}",
           "projects: {p: {run: x, hosts: [{id: ../x}]}}",
           "projects: {p: {run: x, before: [{action: a}]}}",
           "projects: {p: {run: x, before: [q]}}",
           "projects: {p: {run: x, after: [{name: p, when: sometimes}]}}",
           "projects: {p: {run: x, vars: [a]}}",
           "projects: {p: {run: x, vars: {a-b: 1}}}",
           "projects: {p: {run: x, vars: {CROMT_RUN: 1}}}",
           "projects: {p: {run: x, vars: {A: {b: c}}}}",
           "projects: {p: {run: x, title: [a]}}",
           "projects: {p: {run: x, timeout: soon}}",
           "projects: {p: {run: x, retries: -1}}",
           "projects: {p: {run: x, retry_backoff: 0.5}}",
           "projects: {p: {run: x, trigger: maybe}}",
           "projects: {p: {run: x, queue-id: a b}}",
           "projects: {p: {run: x, queue-id: {name: q, scope: all}}}",
           "projects: {p: {run: x, artifacts: [a]}}",
           "projects: {p: {run: x, artifacts: {in: [../x]}}}",
           "projects: {p: {run: x, artifacts: {out: [a]}}}",
           "projects: {p: {run: x, artifacts: {out: [{file: a}]}}}",
           "projects: {p: {run: x, crontab: '* * * *'}}",
           "projects: {p: {run: x, crontab: '@Daily'}}",
           "projects: {p: {run: x, timezone: ../Europe/Berlin}}",
           "projects: {p: {run: x, timezone: New York}}",
           "projects: {p: {run: x, branch: a..b}}",
           "projects: {p: {run: x, log_limit: 5 bananas}}",
           "projects: {p: {run: x, sandbox: none}}",
           "projects: {p: {run: x, on_lost: wait forever}}",
           "projects: {p: {run: x, secrets: [a]}}",
           "projects: {p: {run: x, secrets: {a: A}}}",
           "projects: {p: {run: x, secrets: [{name: a}]}}",
           "projects: {p: {run: x, secrets: [{name: a, env: A, file: a}]}}",
           "projects: {p: {run: x, secrets: [{name: a, env: CROMT_A}]}}",
           "projects: {p: {run: x, hosts: [{secrets: [{name: a, file: ../a}]}]}}",
       }) {
    EXPECT_FALSE(ReadJobFile(text, "f").file) << text;
    EXPECT_NE(SchemaSays(text), "") << text;
  }
}

}  // namespace
}  // namespace cromt
