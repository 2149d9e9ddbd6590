package main

import (
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func read(reference string) string {
	request, _ := http.NewRequest("GET", "http://127.0.0.1:2773/value?ref="+url.QueryEscape(reference), nil)
	request.Header.Set("X-Aws-Parameters-Secrets-Token", os.Getenv("AWS_SESSION_TOKEN"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		panic("could not read " + reference)
	}
	defer answer.Body.Close()
	value, _ := io.ReadAll(answer.Body)
	return string(value)
}

func main() {
	password := read("secretsmanager://demo/database#password") // while the function initialises
	lambda.Start(func() (map[string]any, error) {
		return map[string]any{"greeting": read("ssm:///demo/greeting"), "passwordLength": len(password)}, nil
	})
}
