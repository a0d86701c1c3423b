package schemas

import (
	"embed"
	"fmt"
	"slices"
	"sync"
)

// builtinOrder are the built-in sources that are written in the source language, beside `creditmill`. Each is in
// builtin/<id>.yaml, whose comment names the documentation it follows and where customer and time are looked for.
var builtinOrder = []string{
	"openai", "anthropic", "gemini", "litellm", "otel-genai", "otlp", "cloudevents", "bedrock", "openrouter",
	"litellm-log", "langfuse", "openai-batch", "helicone", "azure-apim", "cloudflare",
}

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// BuiltinSources returns the sources that need no declaration.
func BuiltinSources() []Source { return slices.Clone(builtinSources()) }

var builtinSources = sync.OnceValue(func() []Source {
	sources := []Source{canonicalSource()}
	for _, id := range builtinOrder {
		text, err := BuiltinSourceText(id)
		if err != nil {
			panic(err) // the files are part of the program
		}
		var problems Problems
		if sources, problems = parseSources(id+".yaml", text, sources); len(problems) > 0 {
			panic(problems)
		}
		for i := range sources[len(sources)-1].Fields.Dimensions {
			sources[len(sources)-1].Fields.Dimensions[i].Optional = true
		}
	}
	return sources
})

// BuiltinSourceText returns a built-in source as it would be declared. `creditmill` has no such text.
func BuiltinSourceText(id string) ([]byte, error) {
	text, err := builtinFiles.ReadFile("builtin/" + id + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read built-in source %q: %w", id, err)
	}
	return text, nil
}
