# nbgrader on the lessons: run its commands in this folder.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "delight"
c.ClearSolutions.code_stub = {"python": "# your code here"}
c.IncludeHeaderFooter.header = ""
c.ExecutePreprocessor.timeout = 180
