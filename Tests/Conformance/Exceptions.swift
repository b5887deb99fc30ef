/// Cases that are not expected to evaluate to the shipped output, each with its reason.
enum Exceptions {
  static let reasons: [String: String] = [
    "node/test_bernoulli": "random: the expected output is one draw of another generator",
    "node/test_bernoulli_double": "random: the expected output is one draw of another generator",
    "node/test_bernoulli_double_expanded": "random: the expected output is one draw of another generator",
    "node/test_bernoulli_expanded": "random: the expected output is one draw of another generator",
    "node/test_bernoulli_seed": "random: the expected output is one draw of another generator",
    "node/test_bernoulli_seed_expanded": "random: the expected output is one draw of another generator",
    "node/test_training_dropout": "random: the expected output is one draw of another generator",
    "node/test_training_dropout_default": "random: the expected output is one draw of another generator",
    "node/test_training_dropout_default_mask": "random: the expected output is one draw of another generator",
    "node/test_training_dropout_mask": "random: the expected output is one draw of another generator",
  ]
}
