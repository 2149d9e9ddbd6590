import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;

public class Handler {
    private final HttpClient client = HttpClient.newHttpClient();
    private final String password = read("secretsmanager://demo/database#password"); // while the function initialises

    public Handler() throws Exception {}

    private String read(String reference) throws Exception {
        var address = URI.create("http://127.0.0.1:2773/value?ref=" + URLEncoder.encode(reference, UTF_8));
        var token = System.getenv("AWS_SESSION_TOKEN");
        var request = HttpRequest.newBuilder(address).header("X-Aws-Parameters-Secrets-Token", token).build();
        return client.send(request, BodyHandlers.ofString()).body();
    }

    public Map<String, Object> handle(Map<String, Object> event) throws Exception {
        return Map.of("greeting", read("ssm:///demo/greeting"), "passwordLength", password.length());
    }
}
