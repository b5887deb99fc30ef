package import Basic
package import IR

/// Reads a TensorFlow Lite file into a verified graph.
package enum TFLiteImporter {
  /// Reads the model's first graph; weights stay byte ranges of the mapped file.
  ///
  /// Tensors keep the numbers they are stored in. An operator on quantised tensors reads them through `dequantize` and stores
  /// its result through `quantize`, the form ONNX uses too; state that lives from run to run becomes inputs and outputs.
  package static func load(_ file: MappedFile, options: ImportOptions = ImportOptions()) throws(Failure) -> Graph {
    let builder = TFLiteBuilder(try TFLiteModel(file), file: file, options: options)
    var graph = try builder.build()
    graph.source.file = file.name
    graph.source.format = "tflite"
    graph.source.producer = builder.model.description
    graph.source.nodeNames = builder.sourceNames
    return graph
  }
}
