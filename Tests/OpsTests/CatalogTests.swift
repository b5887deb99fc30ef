import Ops
import Testing

@Suite struct CatalogTests {
  @Test func noTwoOperatorsReadTheSameONNXName() {
    let names = OperatorCatalog.all.compactMap { $0 as? any ONNXOperator.Type }.flatMap { $0.onnxNames }
    #expect(names.count > 200)
    #expect(Set(names).count == names.count)
    #expect(OperatorCatalog.byONNXName.count == names.count)
  }
}
