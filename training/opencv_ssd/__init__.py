"""OpenCV's published face detector, read from its Caffe or TensorFlow files into a model folder."""
