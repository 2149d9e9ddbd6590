import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.stream.Collectors;

/** Stands in for Lambda's Java runtime: runs Handler.handle for each event, and answers flat JSON. */
public class Runner {
    public static void main(String[] arguments) throws Exception {
        var runtime = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        var client = HttpClient.newHttpClient();
        var handler = new Handler();
        while (true) {
            var next = client.send(HttpRequest.newBuilder(URI.create(runtime + "next")).build(), BodyHandlers.ofString());
            var id = next.headers().firstValue("Lambda-Runtime-Aws-Request-Id").orElseThrow();
            var answer = HttpRequest.newBuilder(URI.create(runtime + id + "/response"));
            client.send(answer.POST(BodyPublishers.ofString(json(handler.handle(Map.of())))).build(), BodyHandlers.discarding());
        }
    }

    private static String json(Map<String, Object> fields) {
        return fields.entrySet().stream()
                .map(field -> '"' + field.getKey() + "\":" + (field.getValue() instanceof Integer ? field.getValue() : '"' + (String) field.getValue() + '"'))
                .collect(Collectors.joining(",", "{", "}"));
    }
}
