package serve

import (
	"net/http"
	"regexp"
	"strings"
)

// describe answers the OpenAPI description.
func describe(s *Server, w http.ResponseWriter, _ *http.Request, _ call) {
	answer(w, http.StatusOK, s.description)
}

type object = map[string]any

// Description is the API as OpenAPI 3.1 has it. It is made from the routes and, for what commands answer, from values
// of the types that they print, by method and path.
func Description(answers map[string]any) (map[string]any, error) {
	paths := object{}
	for _, route := range Routes() {
		if route.answers == nil {
			route.answers = answers[route.Method+" "+route.Path]
		}
		shape := object{}
		if route.answers != nil {
			var err error
			if shape, err = shapeOf(route.answers); err != nil {
				return nil, err
			}
		}
		path, _ := paths[route.Path].(object)
		if path == nil {
			path = object{}
			paths[route.Path] = path
		}
		path[strings.ToLower(route.Method)] = operation(route, shape)
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "creditmill", "version": "1",
			"description": "Credit spend of LLM usage. Answers are the JSON of the commands that the operations name; " +
				"errors are problem documents (RFC 9457).",
			"license": object{"name": "Apache 2.0", "identifier": "Apache-2.0"},
		},
		"servers": []object{{"url": "/"}},
		"paths":   paths,
		"components": object{
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
			"schemas": object{"Problem": object{
				"type": "object", "required": []string{"type", "title", "status"},
				"properties": object{
					"type": object{"type": "string"}, "title": object{"type": "string"}, "status": object{"type": "integer"},
					"detail": object{"type": "string"}, "request_id": object{"type": "string"},
				},
			}},
		},
	}, nil
}

var pathPart = regexp.MustCompile(`\{([a-z]+)\}`)

// operation describes a route, whose answer has a shape.
func operation(route Route, shape object) object {
	about := route.Summary + "."
	if route.Command != "" {
		about += " The answer is the JSON of `creditmill " + route.Command + "`."
	}
	if len(route.Roles) > 0 {
		about += " Roles: " + strings.Join(route.Roles, ", ") + ", admin."
	}
	problem := object{
		"description": "What is wrong, and what to do",
		"content": object{"application/problem+json": object{
			"schema": object{"$ref": "#/components/schemas/Problem"},
		}},
	}
	done := "200"
	if route.Path == "/v1/events" {
		done = "202"
	}
	described := object{
		"operationId": operationID(route), "summary": route.Summary, "description": about,
		"responses": object{
			done:      object{"description": "Done", "content": object{mediaType(route): object{"schema": shape}}},
			"default": problem, "4XX": problem,
		},
		"security": []object{},
	}
	if len(route.Roles) > 0 {
		described["security"] = []object{{"token": []string{}}}
	}
	parameters := []object{}
	for _, part := range pathPart.FindAllStringSubmatch(route.Path, -1) {
		parameters = append(parameters, object{
			"name": part[1], "in": "path", "required": true, "schema": object{"type": "string"},
		})
	}
	for _, field := range route.Query {
		parameters = append(parameters, object{
			"name": field.Name, "in": "query", "required": field.Required, "description": field.About,
			"schema": object{"type": field.Type},
		})
	}
	if len(parameters) > 0 {
		described["parameters"] = parameters
	}
	if body := bodyOf(route); body != nil {
		described["requestBody"] = body
	}
	return described
}

func mediaType(route Route) string {
	if route.Path == "/metrics" {
		return "text/plain"
	}
	return "application/json"
}

// operationID is the method and the fixed parts of the path.
func operationID(route Route) string {
	words := strings.FieldsFunc(pathPart.ReplaceAllString(route.Path, "by_$1"), func(r rune) bool {
		return r == '/' || r == '.'
	})
	return strings.ToLower(route.Method) + "_" + strings.Join(words, "_")
}

func bodyOf(route Route) object {
	switch {
	case route.Path == "/v1/events":
		row := object{"type": "object"}
		return object{"required": true, "content": object{
			"application/json":     object{"schema": object{"anyOf": []object{row, {"type": "array", "items": row}}}},
			"application/x-ndjson": object{"schema": object{"type": "string"}},
		}}
	case route.upload:
		return object{"required": true, "content": object{
			"application/octet-stream": object{"schema": object{"type": "string", "format": "binary"}},
		}}
	case len(route.Body) == 0:
		return nil
	}
	properties, required := object{}, []string{}
	for _, field := range route.Body {
		properties[field.Name] = object{"type": field.Type, "description": field.About}
		if field.Required {
			required = append(required, field.Name)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return object{"required": len(required) > 0, "content": object{"application/json": object{"schema": schema}}}
}
