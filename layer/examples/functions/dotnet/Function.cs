using System;
using System.Net.Http;
using System.Threading.Tasks;

public class Function
{
    private static readonly string Token = Environment.GetEnvironmentVariable("AWS_SESSION_TOKEN")!;
    private static readonly HttpClient Sidekey = new()
    {
        BaseAddress = new Uri("http://127.0.0.1:2773"),
        DefaultRequestHeaders = { { "X-Aws-Parameters-Secrets-Token", Token } },
    };
    private static readonly string Password = Read("secretsmanager://demo/database#password").Result; // at init

    private static Task<string> Read(string reference) => Sidekey.GetStringAsync($"/value?ref={Uri.EscapeDataString(reference)}");

    public async Task<object> Handle(object input) => new { greeting = await Read("ssm:///demo/greeting"), passwordLength = Password.Length };
}
