package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/creditmill/creditmill/ingest/objects/objectstest"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "write what is found to the files that hold what is wanted")

// TestMain makes this test binary serve as the program itself: scripts call creditmill, the program calls its engine.
func TestMain(m *testing.M) {
	if warehouse.IsEngineChild(os.Args[1:]) {
		os.Exit(warehouse.EngineChild(os.Args[1:]))
	}
	if warehousetest.IsNode(os.Args[1:]) {
		os.Exit(warehousetest.RunNode(os.Args[1:]))
	}
	if len(os.Args) > 2 && os.Args[1] == localVerb {
		os.Exit(localChild(os.Args[2], os.Args[3:]))
	}
	testscript.Main(m, map[string]func(){"creditmill": scriptMain})
}

// TestScripts runs every txtar file under testdata/script as a user's session: the real program on a real engine, in an
// empty directory.
func TestScripts(t *testing.T) {
	testscript.Run(t, scriptParams())
}

func scriptParams() testscript.Params {
	return testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Condition:           scriptCondition,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exit":    scriptExit,
			"json":    scriptJSON,
			"take":    scriptTake,
			"stripe":  scriptStripe,
			"objects": scriptObjects,
			"page":    scriptPage,
			"hostile": scriptHostile,
			"visible": scriptVisible,
		},
	}
}

// setupScript lets the program find the engine library, which is in this repository, not above the script.
func setupScript(env *testscript.Env) error {
	library, err := engineLibrary()
	if err != nil {
		return err
	}
	env.Setenv("CREDITMILL_ENGINE_LIBRARY", library)
	found, err := filepath.Abs(realLog)
	if err != nil {
		return err
	}
	env.Setenv("REAL_LOG", found)
	samples, err := filepath.Abs(filepath.Join("..", "..", "testdata", "logs"))
	if err != nil {
		return err
	}
	env.Setenv("SAMPLES", samples)
	keepScriptEngine(env)
	env.Values[fakeKey{}] = new(*stripefake.Server)
	env.Values[objectsKey{}] = new(*objectstest.Server)
	return nil
}

// realLog is a log of a real service, which some machines have beside the repository.
var realLog = filepath.Join("..", "..", "..", "shared", "data", "AzureLLMInferenceTrace_code.csv")

// scriptCondition knows one condition: [real-log], that the real log is there.
func scriptCondition(name string) (bool, error) {
	if name != "real-log" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	_, err := os.Stat(realLog)
	return err == nil, nil
}

// engineLibrary is where the engine library lies: as the environment says, or in this repository.
func engineLibrary() (string, error) {
	if library := os.Getenv("CREDITMILL_ENGINE_LIBRARY"); library != "" {
		return library, nil
	}
	found, err := filepath.Glob(filepath.Join("..", "..", "node_modules", "@chdb", "lib-*", "libchdb.*"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("find engine library: %d found (%w); install it with: npm ci", len(found), err)
	}
	return filepath.Abs(found[0])
}

// scriptExit runs a command and checks its exit code: exit 3 creditmill load bad.jsonl.
func scriptExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var failed *exec.ExitError
		if !errors.As(err, &failed) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		code = failed.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// scriptJSON compares a value inside the last command's JSON, the first line of it where there are several:
// json charges.0.amount_minor 10000. A last step of len is the length of a list.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH WANT")
	}
	got := valueInStdout(ts, args[0])
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s%s", args[0], got, map[bool]string{true: "anything but "}[neg], args[1])
	}
}

// scriptTake keeps a value inside the last command's JSON in an environment variable: take PLAN plan_sha.
func scriptTake(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: take VARIABLE PATH")
	}
	ts.Setenv(args[0], valueInStdout(ts, args[1]))
}

// valueInStdout is the value at a path in the last command's JSON: a string as it is, anything else as JSON.
func valueInStdout(ts *testscript.TestScript, path string) string {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	decoder.UseNumber()
	var document any
	ts.Check(decoder.Decode(&document))
	found, ok := follow(document, strings.Split(path, "."))
	if !ok {
		ts.Fatalf("no %s in %s", path, ts.ReadFile("stdout"))
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	ts.Check(encoder.Encode(found))
	got := strings.TrimSpace(text.String())
	if unquoted, err := strconv.Unquote(got); err == nil {
		got = unquoted
	}
	return got
}

// follow walks a path of keys and indexes down into decoded JSON.
func follow(value any, path []string) (any, bool) {
	for _, step := range path {
		switch typed := value.(type) {
		case map[string]any:
			next, ok := typed[step]
			if !ok {
				return nil, false
			}
			value = next
		case []any:
			if step == "len" {
				return len(typed), true
			}
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(typed) {
				return nil, false
			}
			value = typed[index]
		default:
			return nil, false
		}
	}
	return value, true
}
