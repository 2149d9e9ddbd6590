require "net/http"

def read(reference)
  address = URI("http://127.0.0.1:2773/value?ref=#{URI.encode_www_form_component(reference)}")
  answer = Net::HTTP.get_response(address, "X-Aws-Parameters-Secrets-Token" => ENV.fetch("AWS_SESSION_TOKEN"))
  raise answer.body unless answer.is_a?(Net::HTTPSuccess)
  answer.body
end

PASSWORD = read("secretsmanager://demo/database#password") # while the function initialises

def handler(event:, context:)
  { greeting: read("ssm:///demo/greeting"), passwordLength: PASSWORD.length }
end
